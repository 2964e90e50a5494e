//! embedding: y's rows are rows of a table, or NaN where an id lies outside. Words, so that every number stays as it is.
//#include "flat.wgsl"
struct Arguments {
  count: u32,
  width: u32,
  // Rows of the whole table, and those that are bound.
  length: u32,
  first: u32,
  rows: u32,
  nan: u32,
  table_at: u32,
  ids_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read> ids: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(FLAT_THREADS)
fn embedding(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  // A negative id is a large whole number.
  let id = bitcast<u32>(ids[arguments.ids_at + i / arguments.width]);
  if (id >= arguments.length) {
    if (arguments.first == 0u) {
      y[arguments.y_at + i] = arguments.nan;
    }
  } else if (id >= arguments.first && id - arguments.first < arguments.rows) {
    y[arguments.y_at + i] = table[arguments.table_at + (id - arguments.first) * arguments.width + i % arguments.width];
  }
}

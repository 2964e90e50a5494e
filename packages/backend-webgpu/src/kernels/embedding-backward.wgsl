//! embedding-backward: into[ids[row]] += dy[row], in the order of the rows. An invocation has one column and every
//! `partitions`-th id, so that no two write to one place, and looks at all ids.
//#include "flat.wgsl"
struct Arguments {
  rows: u32,
  width: u32,
  // The ids of this launch: these rows of `into` are bound.
  first: u32,
  length: u32,
  partitions: u32,
  dy_at: u32,
  ids_at: u32,
  into_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> ids: array<u32>;
@group(0) @binding(3) var<storage, read_write> into: array<f32>;

@compute @workgroup_size(FLAT_THREADS)
fn embedding_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let width = arguments.width;
  let blocks = (width + FLAT_THREADS - 1u) / FLAT_THREADS;
  let index = group.x + group.y * groups.x;
  let share = index / blocks;
  let column = index % blocks * FLAT_THREADS + lane;
  if (share >= arguments.partitions || column >= width) {
    return;
  }
  for (var row = 0u; row < arguments.rows; row++) {
    let id = ids[arguments.ids_at + row] - arguments.first;
    if (id < arguments.length && id % arguments.partitions == share) {
      into[arguments.into_at + id * width + column] += dy[arguments.dy_at + row * width + column];
    }
  }
}

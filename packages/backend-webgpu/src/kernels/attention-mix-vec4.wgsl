//! Attention's sums of rows by weights, where heads are whole vectors of 16 bytes.
//#include "attention-mix-blocks.wgsl"
struct Arguments {
  // Invocations.
  blocks: u32,
  queries: u32,
  keys: u32,
  heads: u32,
  groups: u32,
  width: u32,
  // Rounded up to multiples of 4.
  padded_queries: u32,
  padded_keys: u32,
  // Of the pairs of batch and group: the first one here.
  first_group: u32,
  // Where the weights begin, in vectors.
  weights_begin: u32,
  window: i32,
  // As in places.wgsl.
  places: u32,
  x_at: u32,
  position_at: u32,
  first_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> weights: array<vec4f>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> position: array<i32>;
@group(0) @binding(4) var<storage, read> first: array<i32>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

fn load_x(row: u32, d: u32) -> vec4f {
  return x[arguments.x_at + (row * arguments.width + d) / 4u];
}

fn store_y(row: u32, d: u32, values: vec4f) {
  y[arguments.y_at + (row * arguments.width + d) / 4u] = values;
}

@compute @workgroup_size(FLAT_THREADS)
fn mix_keys(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  write_sums_of_keys(flat_index(group, groups, lane));
}

@compute @workgroup_size(FLAT_THREADS)
fn mix_queries(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  write_sums_of_queries(flat_index(group, groups, lane));
}

//! Attention's scores, or weights and gradients of scores, where heads are whole vectors of 16 bytes.
//#include "attention-load-vec4.wgsl"
//#include "attention-score-blocks.wgsl"
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
  // Where gradients of scores begin in `weights`, in vectors.
  gradients: u32,
  window: i32,
  // As in places.wgsl.
  places: u32,
  scale: f32,
  q_at: u32,
  k_at: u32,
  dy_at: u32,
  v_at: u32,
  rows_at: u32,
  position_at: u32,
  first_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;
@group(0) @binding(4) var<storage, read> v: array<vec4f>;
// Of each row (b, t, h), as attention-rows.wgsl writes them.
@group(0) @binding(5) var<storage, read> rows: array<f32>;
@group(0) @binding(6) var<storage, read> position: array<i32>;
@group(0) @binding(7) var<storage, read> first: array<i32>;
@group(0) @binding(8) var<storage, read_write> weights: array<vec4f>;

fn load_dy(row: u32, d: u32) -> vec4f {
  return dy[arguments.dy_at + (row * arguments.width + d) / 4u];
}

@compute @workgroup_size(FLAT_THREADS)
fn scores(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  write_scores(flat_index(group, groups, lane));
}

@compute @workgroup_size(FLAT_THREADS)
fn gradients(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  write_weights_and_gradients(flat_index(group, groups, lane));
}

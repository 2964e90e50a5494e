//! The gradients of attention through workgroup memory, with heads that are whole vectors of 16 bytes.
//#include "attention-backward-tiles.wgsl"
//#include "attention-load-vec4.wgsl"
struct Arguments {
  workgroups: u32,
  queries: u32,
  keys: u32,
  heads: u32,
  groups: u32,
  width: u32,
  row_tiles: u32,
  key_tiles: u32,
  column_tiles: u32,
  // As in places.wgsl.
  places: u32,
  scale: f32,
  q_at: u32,
  k_at: u32,
  v_at: u32,
  dy_at: u32,
  dx_at: u32,
  dv_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> dy: array<vec4f>;
// Of each row (b, t, h), as attention-rows.wgsl writes them.
@group(0) @binding(5) var<storage, read> rows: array<vec4f>;
// dq, or dk.
@group(0) @binding(6) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dv: array<vec4f>;

fn load_dy(row: u32, d: u32) -> vec4f {
  return dy[arguments.dy_at + (row * arguments.width + d) / 4u];
}

fn store_dx(row: u32, d: u32, values: vec4f) {
  dx[arguments.dx_at + (row * arguments.width + d) / 4u] = values;
}

fn store_dv(row: u32, d: u32, values: vec4f) {
  dv[arguments.dv_at + (row * arguments.width + d) / 4u] = values;
}

@compute @workgroup_size(TILE_THREADS)
fn keys(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  gradients_of_keys(group.x + group.y * groups.x, lane);
}

@compute @workgroup_size(TILE_THREADS)
fn queries(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  gradients_of_queries(group.x + group.y * groups.x, lane);
}

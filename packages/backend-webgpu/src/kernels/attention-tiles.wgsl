//! Attention through workgroup memory, with heads that are of any size and place.
//#include "attention-forward-tiles.wgsl"
//#include "attention-load.wgsl"
struct Arguments {
  workgroups: u32,
  queries: u32,
  keys: u32,
  heads: u32,
  groups: u32,
  width: u32,
  row_tiles: u32,
  column_tiles: u32,
  // Parts that the keys are cut into, and keys of one.
  splits: u32,
  keys_of_split: u32,
  // Where the sums of parts begin in `parts`.
  sums_begin: u32,
  window: i32,
  // As in places.wgsl.
  places: u32,
  scale: f32,
  q_at: u32,
  k_at: u32,
  v_at: u32,
  position_at: u32,
  first_at: u32,
  y_at: u32,
  log_sum_exp_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> position: array<i32>;
@group(0) @binding(5) var<storage, read> first: array<i32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(0) @binding(7) var<storage, read_write> log_sum_exp: array<f32>;
// With more than one part: results of each before they are divided, [splits, rows, padded width], then [splits, rows, 2]
// largest score and sum.
@group(0) @binding(8) var<storage, read_write> parts: array<f32>;

fn store_y(row: u32, d: u32, values: vec4f) {
  for (var i = 0u; i < 4u && d + i < arguments.width; i++) {
    y[arguments.y_at + row * arguments.width + d + i] = values[i];
  }
}

@compute @workgroup_size(TILE_THREADS)
fn attention(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  attend(group.x + group.y * groups.x, lane);
}

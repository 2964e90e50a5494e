//! scale: y = factor * x.
//#include "flat.wgsl"
struct Arguments {
  count: u32,
  factor: f32,
  x_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(FLAT_THREADS)
fn scale(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  y[arguments.y_at + i] = arguments.factor * x[arguments.x_at + i];
}

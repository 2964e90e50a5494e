//! Adds the partial products of a matrix product that was cut along k, in order.
struct Arguments {
  size: u32,
  splits: u32,
  partial_at: u32,
  add_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read> add: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
// As in matmul-products.wgsl.
override begin_with: u32 = 0u;

@compute @workgroup_size(64)
fn sum(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= arguments.size) {
    return;
  }
  var total = 0.0;
  for (var split = 0u; split < arguments.splits; split++) {
    total += partial[arguments.partial_at + split * arguments.size + i];
  }
  if (begin_with == 1u) {
    total += add[arguments.add_at + i];
  } else if (begin_with == 2u) {
    total += y[arguments.y_at + i];
  }
  y[arguments.y_at + i] = total;
}

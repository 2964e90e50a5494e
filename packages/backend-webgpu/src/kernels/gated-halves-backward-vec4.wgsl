//! dGate = act'(gate) * (dy * up) and dUp = act(gate) * dy, side by side as the halves of dx's rows, like gate and up
//! in x. Vectors of four.
//#include "flat.wgsl"
//#include "activations.wgsl"
struct Arguments {
  count: u32,
  width: u32,
  dy_at: u32,
  x_at: u32,
  dx_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;
/// The kind of activation, as in activations.wgsl.
override kind: u32 = 1u;

@compute @workgroup_size(FLAT_THREADS)
fn gated_halves_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  let before = (i / arguments.width) * arguments.width + i;
  let at = arguments.x_at + before;
  let to = arguments.dx_at + before;
  let gate = x[at];
  let d = dy[arguments.dy_at + i];
  let slope = vec4f(
    activation_slope(kind, gate.x),
    activation_slope(kind, gate.y),
    activation_slope(kind, gate.z),
    activation_slope(kind, gate.w),
  );
  let value = vec4f(
    activation(kind, gate.x),
    activation(kind, gate.y),
    activation(kind, gate.z),
    activation(kind, gate.w),
  );
  dx[to] = slope * (d * x[at + arguments.width]);
  dx[to + arguments.width] = value * d;
}

//! unary-backward: dx = f'(x) * dy. Vectors of four.
//#include "flat.wgsl"
//#include "unary-formulas.wgsl"
struct Arguments {
  count: u32,
  x_at: u32,
  dy_at: u32,
  dx_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;
/// The kind, as in unary.ts.
override kind: u32 = 0u;

@compute @workgroup_size(FLAT_THREADS)
fn unary_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  let v = x[arguments.x_at + i];
  let slope = vec4f(
    unary_derivative(kind, v.x),
    unary_derivative(kind, v.y),
    unary_derivative(kind, v.z),
    unary_derivative(kind, v.w),
  );
  dx[arguments.dx_at + i] = slope * dy[arguments.dy_at + i];
}

//! y = act(gate) * up, gate and up the halves of x's rows: gated-sparsify that keeps everything. Vectors of four.
//#include "flat.wgsl"
//#include "activations.wgsl"
struct Arguments {
  count: u32,
  width: u32,
  x_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
/// The kind of activation, as in activations.wgsl.
override kind: u32 = 1u;

@compute @workgroup_size(FLAT_THREADS)
fn gated_halves(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  let at = arguments.x_at + i + (i / arguments.width) * arguments.width;
  let gate = x[at];
  let value = vec4f(
    activation(kind, gate.x),
    activation(kind, gate.y),
    activation(kind, gate.z),
    activation(kind, gate.w),
  );
  y[arguments.y_at + i] = value * x[at + arguments.width];
}

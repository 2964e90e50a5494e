//! gated-activation: y = act(gate) * up. Vectors of four.
//#include "flat.wgsl"
//#include "activations.wgsl"
struct Arguments {
  count: u32,
  gate_at: u32,
  up_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> gate: array<vec4f>;
@group(0) @binding(2) var<storage, read> up: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
/// The kind of activation, as in activations.wgsl.
override kind: u32 = 1u;

@compute @workgroup_size(FLAT_THREADS)
fn gated_activation(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  let g = gate[arguments.gate_at + i];
  let value = vec4f(
    activation(kind, g.x),
    activation(kind, g.y),
    activation(kind, g.z),
    activation(kind, g.w),
  );
  y[arguments.y_at + i] = value * up[arguments.up_at + i];
}

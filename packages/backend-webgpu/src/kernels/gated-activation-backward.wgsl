//! gated-activation-backward: dGate = act'(gate) * (dy * up), dUp = act(gate) * dy.
//#include "flat.wgsl"
//#include "activations.wgsl"
struct Arguments {
  count: u32,
  gate_at: u32,
  up_at: u32,
  dy_at: u32,
  d_gate_at: u32,
  d_up_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> gate: array<f32>;
@group(0) @binding(2) var<storage, read> up: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_gate: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_up: array<f32>;
/// The kind of activation, as in activations.wgsl.
override kind: u32 = 1u;

@compute @workgroup_size(FLAT_THREADS)
fn gated_activation_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  let g = gate[arguments.gate_at + i];
  let d = dy[arguments.dy_at + i];
  d_gate[arguments.d_gate_at + i] = activation_slope(kind, g) * (d * up[arguments.up_at + i]);
  d_up[arguments.d_up_at + i] = activation(kind, g) * d;
}

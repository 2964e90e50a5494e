//! adamw: one step over an arena. hyper: learning rate, weight decay, 1 - beta1^step, 1 - beta2^step, clip norm (0:
//! off). A norm that is not finite leaves everything as it is.
//#include "flat.wgsl"
//#include "adamw-step.wgsl"
struct Arguments {
  count: u32,
  decay: u32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  epsilon: f32,
  value_at: u32,
  m_at: u32,
  v_at: u32,
  grad_at: u32,
  norm_at: u32,
  hyper_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read_write> value: array<f32>;
@group(0) @binding(2) var<storage, read_write> m: array<f32>;
@group(0) @binding(3) var<storage, read_write> v: array<f32>;
@group(0) @binding(4) var<storage, read> grad: array<f32>;
@group(0) @binding(5) var<storage, read> norm: array<f32>;
@group(0) @binding(6) var<storage, read> hyper: array<f32>;

@compute @workgroup_size(FLAT_THREADS)
fn adamw(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  let all = factors();
  if (!all.finite) {
    return;
  }
  let g = grad[arguments.grad_at + i] * all.clip;
  let first = arguments.beta1 * m[arguments.m_at + i] + arguments.rest1 * g;
  let second = arguments.beta2 * v[arguments.v_at + i] + arguments.rest2 * g * g;
  m[arguments.m_at + i] = first;
  v[arguments.v_at + i] = second;
  let size = sqrt(second / all.correction2) + arguments.epsilon;
  value[arguments.value_at + i] = value[arguments.value_at + i] * all.kept - all.rate * (first / all.correction1) / size;
}

//! cross-entropy-backward: dLogits = d (softmax(logits) - 1 at the target) / count; zeros for an ignored target, NaN for
//! one outside. An element an invocation; in place where dLogits are the logits.
//#include "exponentials.wgsl"
//#include "flat.wgsl"
struct Arguments {
  elements: u32,
  width: u32,
  d_at: u32,
  logits_at: u32,
  targets_at: u32,
  log_sum_exp_at: u32,
  count_at: u32,
  gradient_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> d: array<f32>;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read> targets: array<i32>;
@group(0) @binding(4) var<storage, read> log_sum_exp: array<f32>;
@group(0) @binding(5) var<storage, read> count: array<f32>;
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;
override in_place: bool = false;

@compute @workgroup_size(FLAT_THREADS)
fn cross_entropy_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.elements) {
    return;
  }
  let row = i / arguments.width;
  let wanted = targets[arguments.targets_at + row];
  var result = 0.0;
  if (wanted >= i32(arguments.width)) {
    result = nan_from(i);
  } else if (wanted >= 0) {
    var logit: f32;
    if (in_place) {
      logit = gradient[arguments.gradient_at + i];
    } else {
      logit = logits[arguments.logits_at + i];
    }
    let p = exp_of(logit - log_sum_exp[arguments.log_sum_exp_at + row]);
    let hit = select(0.0, 1.0, i - row * arguments.width == u32(wanted));
    result = d[arguments.d_at] / count[arguments.count_at] * (p - hit);
  }
  gradient[arguments.gradient_at + i] = result;
}

//! ternarize: y = alpha * round(w / alpha) within one level, alpha = mean|w|, at least 1e-5; all NaN where a w is not
//! finite. `ternary_scale` makes alpha of `sum`, the sum of |w| / 2^32 over a section, `ternarize` rounds the section.
//#include "bits.wgsl"
//#include "flat.wgsl"
struct Arguments {
  count: u32,
  alpha_at: u32,
  sum_at: u32,
  w_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read_write> alpha: array<f32>;
@group(0) @binding(2) var<storage, read> sum: array<f32>;
@group(0) @binding(3) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(1)
fn ternary_scale() {
  let all = sum[arguments.sum_at];
  if (is_finite(all)) {
    alpha[arguments.alpha_at] = max(divide_exactly(all, f32(arguments.count)) * 0x1p32f, 1e-5);
  } else {
    alpha[arguments.alpha_at] = nan_from(bitcast<u32>(all));
  }
}

@compute @workgroup_size(FLAT_THREADS)
fn ternarize(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  let level = alpha[arguments.alpha_at];
  if (!is_finite(level)) {
    y[arguments.y_at + i] = level;
    return;
  }
  let x = w[arguments.w_at + i];
  // Half of alpha goes to 0 (half to even); more is one level.
  let kept = abs(x) > 0.5 * level;
  y[arguments.y_at + i] = select(0.0, select(level, -level, is_negative(x)), kept);
}

//! Puts together what attention made of parts of the keys (`parts` as in attention-tiles.wgsl). An element an invocation.
//#include "exponentials.wgsl"
//#include "flat.wgsl"
struct Arguments {
  elements: u32,
  width: u32,
  padded_width: u32,
  rows: u32,
  splits: u32,
  sums_begin: u32,
  y_at: u32,
  log_sum_exp_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> parts: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> log_sum_exp: array<f32>;

/// Below every score: what a part without keys has as its largest.
const NOTHING = -2.9e38;

@compute @workgroup_size(FLAT_THREADS)
fn merge(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.elements) {
    return;
  }
  let row = i / arguments.width;
  let column = i % arguments.width;
  var largest = -3.0e38;
  for (var split = 0u; split < arguments.splits; split++) {
    largest = max(largest, parts[arguments.sums_begin + (split * arguments.rows + row) * 2u]);
  }
  var sum = 0.0;
  var result = 0.0;
  for (var split = 0u; split < arguments.splits; split++) {
    let at = split * arguments.rows + row;
    let factor = exp_of(parts[arguments.sums_begin + at * 2u] - largest);
    sum += factor * parts[arguments.sums_begin + at * 2u + 1u];
    result += factor * parts[at * arguments.padded_width + column];
  }
  // A sum that is NaN is one of keys.
  let sees = largest > NOTHING || !(sum == 0.0);
  y[arguments.y_at + i] = select(0.0, result / sum, sees);
  if (column == 0u) {
    log_sum_exp[arguments.log_sum_exp_at + row] = select(0.0, largest, sees) + log_of(sum);
  }
}

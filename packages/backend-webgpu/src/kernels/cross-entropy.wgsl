//! cross-entropy: the logarithm of the sum of exponentials of each row, and each row's loss: 0 for an ignored target, NaN
//! for one outside. A workgroup a row (`team_row`), or an invocation a row (`single_row`).
//#include "rows.wgsl"
//#include "exponentials.wgsl"
//#include "flat.wgsl"
struct Arguments {
  rows: u32,
  width: u32,
  logits_at: u32,
  targets_at: u32,
  log_sum_exp_at: u32,
  row_losses_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<i32>;
@group(0) @binding(3) var<storage, read_write> log_sum_exp: array<f32>;
@group(0) @binding(4) var<storage, read_write> row_losses: array<f32>;

fn finish(row: u32, largest: f32, sum: f32) {
  let result = largest + log_of(sum);
  log_sum_exp[arguments.log_sum_exp_at + row] = result;
  let wanted = targets[arguments.targets_at + row];
  var loss = 0.0;
  if (wanted >= i32(arguments.width)) {
    loss = nan_from(row);
  } else if (wanted >= 0) {
    loss = result - logits[arguments.logits_at + row * arguments.width + u32(wanted)];
  }
  row_losses[arguments.row_losses_at + row] = loss;
}

@compute @workgroup_size(team)
fn team_row(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= arguments.rows) {
    return;
  }
  let at = arguments.logits_at + row * arguments.width;
  var highest = 0u;
  for (var i = lane; i < arguments.width; i += team) {
    highest = max(highest, order_of(logits[at + i]));
  }
  let largest = from_order(team_largest(highest, lane));
  var sum = 0.0;
  for (var i = lane; i < arguments.width; i += team) {
    sum += exp_of(logits[at + i] - largest);
  }
  sum = team_sum(sum, lane);
  if (lane == 0u) {
    finish(row, largest, sum);
  }
}

/// So many terms are summed before they join the rest of a long sum.
const TERMS = 64u;

@compute @workgroup_size(FLAT_THREADS)
fn single_row(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = flat_index(group, groups, lane);
  if (row >= arguments.rows) {
    return;
  }
  let at = arguments.logits_at + row * arguments.width;
  let end = at + arguments.width;
  var highest = 0u;
  for (var i = at; i < end; i++) {
    highest = max(highest, order_of(logits[i]));
  }
  let largest = from_order(highest);
  var sum = 0.0;
  for (var block = at; block < end; block += TERMS) {
    var part = 0.0;
    for (var i = block; i < min(end, block + TERMS); i++) {
      part += exp_of(logits[i] - largest);
    }
    sum += part;
  }
  finish(row, largest, sum);
}

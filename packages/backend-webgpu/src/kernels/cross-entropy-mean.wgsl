//! The second half of cross-entropy: how many targets count, and the mean of their losses. One workgroup, fixed order.
//#include "rows.wgsl"
struct Arguments {
  rows: u32,
  row_losses_at: u32,
  targets_at: u32,
  loss_at: u32,
  count_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> row_losses: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<i32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;
@group(0) @binding(4) var<storage, read_write> count: array<f32>;

@compute @workgroup_size(team)
fn mean(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  var valid = 0u;
  for (var row = lane; row < arguments.rows; row += team) {
    if (targets[arguments.targets_at + row] >= 0) {
      sum += row_losses[arguments.row_losses_at + row];
      valid++;
    }
  }
  sum = team_sum(sum, lane);
  valid = team_count(valid, lane);
  if (lane == 0u) {
    count[arguments.count_at] = f32(valid);
    var result = 0.0;
    if (valid > 0u) {
      result = sum / f32(valid);
    }
    loss[arguments.loss_at] = result;
  }
}

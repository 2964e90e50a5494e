//! softmax-backward: dx = y (dy - sum of y dy) over the last dimension. A workgroup a row (`team_row`), or an invocation
//! a row (`single_row`).
//#include "rows.wgsl"
//#include "flat.wgsl"
struct Arguments {
  rows: u32,
  width: u32,
  y_at: u32,
  dy_at: u32,
  dx_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

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
  let at = row * arguments.width;
  var sum = 0.0;
  for (var i = at + lane; i < at + arguments.width; i += team) {
    sum += y[arguments.y_at + i] * dy[arguments.dy_at + i];
  }
  sum = team_sum(sum, lane);
  for (var i = at + lane; i < at + arguments.width; i += team) {
    dx[arguments.dx_at + i] = y[arguments.y_at + i] * (dy[arguments.dy_at + i] - sum);
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
  let at = row * arguments.width;
  let end = at + arguments.width;
  var sum = 0.0;
  for (var block = at; block < end; block += TERMS) {
    var part = 0.0;
    for (var i = block; i < min(end, block + TERMS); i++) {
      part += y[arguments.y_at + i] * dy[arguments.dy_at + i];
    }
    sum += part;
  }
  for (var i = at; i < end; i++) {
    dx[arguments.dx_at + i] = y[arguments.y_at + i] * (dy[arguments.dy_at + i] - sum);
  }
}

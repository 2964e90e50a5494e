//! argmax: where the first largest number of a row is; NaN counts as the largest of all. A workgroup a row.
//#include "rows.wgsl"
//#include "bits.wgsl"
struct Arguments {
  rows: u32,
  width: u32,
  x_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(team)
fn argmax(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= arguments.rows) {
    return;
  }
  let at = arguments.x_at + row * arguments.width;
  var best = 0u;
  var place = 0u;
  for (var i = lane; i < arguments.width; i += team) {
    let value = x[at + i];
    // -0 and 0 are equal.
    let order = select(order_of(value), 0x80000000u, magnitude_of(value) == 0u);
    if (order > best) {
      best = order;
      place = i;
    }
  }
  let largest = team_largest(best, lane);
  // The lowest place is the largest one from the end.
  let lowest = arguments.width - team_largest(select(0u, arguments.width - place, best == largest), lane);
  if (lane == 0u) {
    y[arguments.y_at + row] = lowest;
  }
}

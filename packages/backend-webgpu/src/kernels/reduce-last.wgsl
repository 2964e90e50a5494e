//! reduce over the last dimension: x [rows, width] to y [rows, pieces] with a result for every `piece` elements of a
//! row, divided by `divisor`. A workgroup or an invocation does a piece. The order of sums is that of a tree with few
//! terms in a row, so that long sums keep float32's accuracy.
//#include "bits.wgsl"
//#include "rows.wgsl"
struct Arguments {
  rows: u32,
  width: u32,
  piece: u32,
  pieces: u32,
  divisor: f32,
  x_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
/// The maximum, NaN where there is one, instead of the sum.
override largest: bool = false;
/// Magnitudes divided by 2^32 are summed, so that no finite ones overflow.
override magnitudes: bool = false;

const LANE_THREADS = 16u;
/// Terms that a thread adds one by one.
const TERMS = 16u;

/// Elements first, first + step, .. below end.
fn sum_of(first: u32, end: u32, step: u32) -> f32 {
  var sum = 0.0;
  for (var i = first; i < end; i += TERMS * step) {
    var four = vec4f();
    for (var j = 0u; j < TERMS; j += 4u) {
      for (var k = 0u; k < 4u; k++) {
        let at = i + (j + k) * step;
        if (at < end) {
          four[k] += select(x[at], abs(x[at]) * 0x1p-32f, magnitudes);
        }
      }
    }
    sum += (four.x + four.y) + (four.z + four.w);
  }
  return sum;
}

fn largest_of(first: u32, end: u32, step: u32) -> u32 {
  var order = 0u;
  for (var i = first; i < end; i += step) {
    order = max(order, order_of(x[i]));
  }
  return order;
}

/// Where piece `number` begins and ends in x.
fn piece_of(number: u32) -> vec2u {
  let row = number / arguments.pieces;
  let begin = (number - row * arguments.pieces) * arguments.piece;
  return arguments.x_at + row * arguments.width + vec2u(begin, min(begin + arguments.piece, arguments.width));
}

@compute @workgroup_size(team)
fn reduce_last(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let number = group.x + group.y * groups.x;
  if (number >= arguments.rows * arguments.pieces) {
    return;
  }
  let bounds = piece_of(number);
  if (largest) {
    let order = team_largest(largest_of(bounds.x + lane, bounds.y, team), lane);
    if (lane == 0u) {
      y[arguments.y_at + number] = from_order(order) / arguments.divisor;
    }
  } else {
    let sum = team_sum(sum_of(bounds.x + lane, bounds.y, team), lane);
    if (lane == 0u) {
      y[arguments.y_at + number] = sum / arguments.divisor;
    }
  }
}

@compute @workgroup_size(LANE_THREADS)
fn reduce_last_lane(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let number = (group.x + group.y * groups.x) * LANE_THREADS + lane;
  if (number >= arguments.rows * arguments.pieces) {
    return;
  }
  let bounds = piece_of(number);
  if (largest) {
    y[arguments.y_at + number] = from_order(largest_of(bounds.x, bounds.y, 1u)) / arguments.divisor;
  } else {
    y[arguments.y_at + number] = sum_of(bounds.x, bounds.y, 1u) / arguments.divisor;
  }
}

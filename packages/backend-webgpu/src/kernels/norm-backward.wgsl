//! The gradients of RMSNorm, and of a gated site with one, for rows of any length and place. With h = x, or act(gate) *
//! up of x's halves, and g = dy * weight: dh = inverseRms * (g - h * inverseRms² * mean(g h)); that is dx, or dh goes
//! through the activation. dWeight is summed over `chunk` rows at a time into rows of `partial`.
//#include "flat.wgsl"
//#include "rows.wgsl"
//#include "activations.wgsl"
struct Arguments {
  rows: u32,
  width: u32,
  chunk: u32,
  dy_at: u32,
  x_at: u32,
  weight_at: u32,
  inverse_rms_at: u32,
  dx_at: u32,
  partial_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> inverse_rms: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;
@group(0) @binding(6) var<storage, read_write> partial: array<f32>;

/// The activation of a gated site, 0 for none.
override gated: u32 = 0u;
override with_weight: bool = false;
/// Adds to what dx holds.
override add: bool = false;

const LANE_THREADS = 16u;

fn normed(row: u32, i: u32) -> f32 {
  if (gated == 0u) {
    return x[arguments.x_at + row * arguments.width + i];
  }
  let at = arguments.x_at + 2u * row * arguments.width + i;
  return activation(gated, x[at]) * x[at + arguments.width];
}

fn weighted(row: u32, i: u32) -> f32 {
  let d = dy[arguments.dy_at + row * arguments.width + i];
  if (with_weight) {
    return d * weight[arguments.weight_at + i];
  }
  return d;
}

/// The sum of g h over entries start, start + step, .., few terms in a row.
fn product(row: u32, start: u32, step: u32) -> f32 {
  var sum = 0.0;
  for (var i = start; i < arguments.width; i += 16u * step) {
    var four = vec4f();
    for (var j = 0u; j < 16u; j++) {
      let at = i + j * step;
      if (at < arguments.width) {
        four[j & 3u] += weighted(row, at) * normed(row, at);
      }
    }
    sum += (four.x + four.y) + (four.z + four.w);
  }
  return sum;
}

/// `bend`: inverse * mean(g h) * inverse.
fn write_gradient(row: u32, i: u32, inverse: f32, bend: f32) {
  let h = normed(row, i);
  let dh = inverse * fma(-h, bend, weighted(row, i));
  if (gated == 0u) {
    let at = arguments.dx_at + row * arguments.width + i;
    if (add) {
      dx[at] += dh;
    } else {
      dx[at] = dh;
    }
    return;
  }
  let from_at = arguments.x_at + 2u * row * arguments.width + i;
  let at = arguments.dx_at + 2u * row * arguments.width + i;
  dx[at] = activation_slope(gated, x[from_at]) * (dh * x[from_at + arguments.width]);
  dx[at + arguments.width] = activation(gated, x[from_at]) * dh;
}

fn bend_of(sum: f32, inverse: f32) -> f32 {
  return inverse * (sum * inverse / f32(arguments.width));
}

@compute @workgroup_size(team)
fn norm_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let number = group.x + group.y * groups.x;
  let begin = number * arguments.chunk;
  if (begin >= arguments.rows) {
    return;
  }
  let end = min(begin + arguments.chunk, arguments.rows);
  let sums = arguments.partial_at + number * arguments.width;
  for (var row = begin; row < end; row++) {
    let inverse = inverse_rms[arguments.inverse_rms_at + row];
    let bend = bend_of(team_sum(product(row, lane, team), lane), inverse);
    for (var i = lane; i < arguments.width; i += team) {
      if (with_weight) {
        let share = dy[arguments.dy_at + row * arguments.width + i] * (normed(row, i) * inverse);
        if (row == begin) {
          partial[sums + i] = share;
        } else {
          partial[sums + i] += share;
        }
      }
      write_gradient(row, i, inverse, bend);
    }
  }
}

@compute @workgroup_size(LANE_THREADS)
fn norm_backward_lane(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.x + group.y * groups.x) * LANE_THREADS + lane;
  if (row >= arguments.rows) {
    return;
  }
  let inverse = inverse_rms[arguments.inverse_rms_at + row];
  let bend = bend_of(product(row, 0u, 1u), inverse);
  for (var i = 0u; i < arguments.width; i++) {
    write_gradient(row, i, inverse, bend);
  }
}

/// dWeight of a column over a chunk of rows.
@compute @workgroup_size(FLAT_THREADS)
fn weight_gradient_lane(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = flat_index(group, groups, lane);
  let number = at / arguments.width;
  let i = at - number * arguments.width;
  let begin = number * arguments.chunk;
  if (begin >= arguments.rows) {
    return;
  }
  let end = min(begin + arguments.chunk, arguments.rows);
  var sum = 0.0;
  for (var row = begin; row < end; row++) {
    let inverse = inverse_rms[arguments.inverse_rms_at + row];
    sum += dy[arguments.dy_at + row * arguments.width + i] * (normed(row, i) * inverse);
  }
  partial[arguments.partial_at + at] = sum;
}

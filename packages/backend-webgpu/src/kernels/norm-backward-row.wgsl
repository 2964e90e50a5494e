//! norm-backward.wgsl for rows of vectors of four that lie at multiples of 16 bytes: a workgroup keeps a row, and its
//! sums over rows, in registers. The including file brings the reductions.
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
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read> inverse_rms: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> partial: array<vec4f>;

/// The activation of a gated site, 0 for none.
override gated: u32 = 0u;
override with_weight: bool = false;
/// Adds to what dx holds.
override add: bool = false;
/// Vectors of an invocation, at most; `vectors` of them are used.
const MOST_VECTORS = 8u;
override vectors: u32 = 4u;

fn activated(gate: vec4f) -> vec4f {
  return vec4f(
    activation(gated, gate.x),
    activation(gated, gate.y),
    activation(gated, gate.z),
    activation(gated, gate.w),
  );
}

fn slopes(gate: vec4f) -> vec4f {
  return vec4f(
    activation_slope(gated, gate.x),
    activation_slope(gated, gate.y),
    activation_slope(gated, gate.z),
    activation_slope(gated, gate.w),
  );
}

fn normed(row: u32, i: u32) -> vec4f {
  let length = arguments.width / 4u;
  if (gated == 0u) {
    return x[arguments.x_at + row * length + i];
  }
  let at = arguments.x_at + 2u * row * length + i;
  return activated(x[at]) * x[at + length];
}

fn write_gradient(row: u32, i: u32, dh: vec4f) {
  let length = arguments.width / 4u;
  if (gated == 0u) {
    let at = arguments.dx_at + row * length + i;
    if (add) {
      dx[at] += dh;
    } else {
      dx[at] = dh;
    }
    return;
  }
  let from_at = arguments.x_at + 2u * row * length + i;
  let at = arguments.dx_at + 2u * row * length + i;
  dx[at] = slopes(x[from_at]) * (dh * x[from_at + length]);
  dx[at + length] = activated(x[from_at]) * dh;
}

fn norm_backward_rows(number: u32, lane: u32) {
  let length = arguments.width / 4u;
  let begin = number * arguments.chunk;
  let end = min(begin + arguments.chunk, arguments.rows);
  var sums: array<vec4f, MOST_VECTORS>;
  for (var v = 0u; v < vectors; v++) {
    sums[v] = vec4f();
  }
  for (var row = begin; row < end; row++) {
    var h: array<vec4f, MOST_VECTORS>;
    var d: array<vec4f, MOST_VECTORS>;
    let inverse = inverse_rms[arguments.inverse_rms_at + row];
    var own = 0.0;
    for (var v = 0u; v < vectors; v++) {
      let i = v * team + lane;
      h[v] = vec4f();
      d[v] = vec4f();
      if (i < length) {
        h[v] = normed(row, i);
        d[v] = dy[arguments.dy_at + row * length + i];
        sums[v] += d[v] * (h[v] * inverse);
        if (with_weight) {
          d[v] *= weight[arguments.weight_at + i];
        }
        own += dot(d[v], h[v]);
      }
    }
    let bend = inverse * (team_sum(own, lane) * inverse / f32(arguments.width));
    for (var v = 0u; v < vectors; v++) {
      let i = v * team + lane;
      if (i < length) {
        write_gradient(row, i, inverse * fma(-h[v], vec4f(bend), d[v]));
      }
    }
  }
  if (with_weight) {
    for (var v = 0u; v < vectors; v++) {
      let i = v * team + lane;
      if (i < length) {
        partial[arguments.partial_at + number * length + i] = sums[v];
      }
    }
  }
}

//! The activations of gated feed-forwards and their derivatives, at a kink the one from the left.
//#include "exponentials.wgsl"

/// max(x, 0), which leaves a NaN one.
fn relu(x: f32) -> f32 {
  return select(x, 0.0, is_negative(x) && !is_nan(x));
}

/// 2 sqrt(2 / pi) (x + 0.044715 x^3): GELU in its tanh form is x times the logistic function of it.
fn gelu_argument(x: f32) -> f32 {
  return x * fma(x * x, 1.5957691216057308 * 0.044715, 1.5957691216057308);
}

/// x times the logistic function of a.
fn gated_by(x: f32, a: f32) -> f32 {
  let e = exp_of(-abs(a));
  return select(x, x * e, is_negative(a)) / (1.0 + e);
}

fn silu_slope(x: f32) -> f32 {
  let l = logistic(x);
  return l.s * fma(x, l.rest, 1.0);
}

fn gelu_slope(x: f32) -> f32 {
  let l = logistic(gelu_argument(x));
  // Beyond 64 the second term is 0, and without the limit it would be 0 times infinity.
  let c = select(clamp(x, -64.0, 64.0), x, !is_finite(x));
  return l.s + l.s * l.rest * (c * fma(c * c, 3.0 * 1.5957691216057308 * 0.044715, 1.5957691216057308));
}

/// The kinds of a gated activation: the same as in gated-activation.ts.
const SQUARED_RELU = 1u;
const SILU = 2u;
const GELU = 3u;

fn activation(kind: u32, x: f32) -> f32 {
  switch (kind) {
    case SQUARED_RELU: {
      return relu(x) * relu(x);
    }
    case SILU: {
      return gated_by(x, x);
    }
    default: {
      return gated_by(x, gelu_argument(x));
    }
  }
}

fn activation_slope(kind: u32, x: f32) -> f32 {
  switch (kind) {
    case SQUARED_RELU: {
      return 2.0 * relu(x);
    }
    case SILU: {
      return silu_slope(x);
    }
    default: {
      return gelu_slope(x);
    }
  }
}

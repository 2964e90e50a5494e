//! f(x) and f'(x) by the kinds of unary.ts. At a kink the derivative is the one from the left.
//#include "activations.wgsl"

fn unary_value(kind: u32, x: f32) -> f32 {
  switch (kind) {
    case 0u: {
      return -x;
    }
    case 1u: {
      return exp_of(x);
    }
    case 2u: {
      return log_of(x);
    }
    case 3u: {
      return root_of(x);
    }
    case 4u: {
      return x * x;
    }
    case 5u: {
      return 1.0 / x;
    }
    case 6u: {
      return abs(x);
    }
    case 7u: {
      return relu(x);
    }
    default: {
      return activation(kind - 7u, x);
    }
  }
}

fn unary_derivative(kind: u32, x: f32) -> f32 {
  switch (kind) {
    case 0u: {
      return -1.0;
    }
    case 1u: {
      return exp_of(x);
    }
    case 2u: {
      return 1.0 / x;
    }
    case 3u: {
      return 0.5 / root_of(x);
    }
    case 4u: {
      return 2.0 * x;
    }
    case 5u: {
      return -1.0 / (x * x);
    }
    case 6u: {
      return select(select(1.0, -1.0, is_negative(x)), x, magnitude_of(x) == 0u || is_nan(x));
    }
    case 7u: {
      return select(1.0, 0.0, is_negative(x) || magnitude_of(x) == 0u || is_nan(x));
    }
    default: {
      return activation_slope(kind - 7u, x);
    }
  }
}

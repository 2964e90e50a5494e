//! Numbers by their bits: WGSL lets compilers assume that there is no NaN and no infinity, bits say what is there.

const NOT_FINITE = 0x7f800000u;

/// The magnitude as a whole number: magnitudes order like these; NOT_FINITE or more is infinity or NaN.
fn magnitude_of(x: f32) -> u32 {
  return bitcast<u32>(x) & 0x7fffffffu;
}

fn is_finite(x: f32) -> bool {
  return magnitude_of(x) < NOT_FINITE;
}

fn is_nan(x: f32) -> bool {
  return magnitude_of(x) > NOT_FINITE;
}

fn is_negative(x: f32) -> bool {
  return bitcast<u32>(x) >= 0x80000000u;
}

/// A NaN. `any` is whatever the compiler cannot know, since it refuses a NaN that it sees.
fn nan_from(any: u32) -> f32 {
  return bitcast<f32>(any | 0x7fc00000u);
}

/// Whole numbers that order like floats, -0 below 0, every NaN the same and above all.
fn order_of(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let ordered = select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
  return select(ordered, 0xffffffffu, is_nan(x));
}

fn from_order(order: u32) -> f32 {
  return bitcast<f32>(select(~order, order & 0x7fffffffu, order >= 0x80000000u));
}

/// The square root: 0 of either sign and infinity are their own, NaN below 0.
fn root_of(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) == 0u || bits == NOT_FINITE || is_nan(x)) {
    return x;
  }
  if (bits >= 0x80000000u) {
    return nan_from(bits);
  }
  return sqrt(x);
}

/// |x| / 2^n, or next to nothing, for a finite x. Whole numbers: compilers join scales that are floats, and underflow.
fn lowered(x: f32, n: u32) -> f32 {
  return bitcast<f32>(max(magnitude_of(x), n << 23u) - (n << 23u));
}

/// a / b, nearest where the hardware's is within a few units of it; both finite, b > 0 and neither tiny nor huge.
fn divide_exactly(a: f32, b: f32) -> f32 {
  let near = a / b;
  return fma(fma(-near, b, a), 1.0 / b, near);
}

/// round(127 x / largest), half to even: the quotient is exact where it is a whole or a half. |x| <= largest, which is
/// finite and not tiny.
fn level_number(x: f32, largest: f32) -> f32 {
  let huge = magnitude_of(largest) >= 0x5f800000u; // 2^64
  let tame = select(vec2f(127.0, 1.0), vec2f(127.0, 1.0) * 0x1p-64f, huge);
  return round(divide_exactly(tame.x * x, tame.y * largest));
}

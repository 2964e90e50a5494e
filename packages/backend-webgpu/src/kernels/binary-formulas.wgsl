//! The four operations of binary.ts on two floats, also where the hardware takes subnormal numbers for 0 or divides by
//! huge ones badly.
//#include "bits.wgsl"

/// A float as value * 2^exponent, with a value that is neither subnormal nor huge unless it is 0, infinite or NaN.
struct Tame {
  value: f32,
  exponent: i32,
}

fn tamed(x: f32) -> Tame {
  let magnitude = magnitude_of(x);
  if (magnitude < 0x00800000u && magnitude > 0u) {
    // A whole number times 2^-149.
    let whole = f32(magnitude) * 0x1p-40f;
    return Tame(select(whole, -whole, is_negative(x)), -109);
  }
  if (magnitude >= 0x7d000000u && magnitude < NOT_FINITE) {
    return Tame(x * 0x1p-64f, 64);
  }
  return Tame(x, 0);
}

/// 2^exponent times x, in steps that hardware can do.
fn shifted(x: f32, exponent: i32) -> f32 {
  let half = exponent / 2;
  return (x * bitcast<f32>(u32(half + 127) << 23u)) * bitcast<f32>(u32(exponent - half + 127) << 23u);
}

fn multiplied(a: f32, b: f32) -> f32 {
  if (min(magnitude_of(a), magnitude_of(b)) >= 0x00800000u) {
    return a * b;
  }
  let p = tamed(a);
  let q = tamed(b);
  return shifted(p.value * q.value, p.exponent + q.exponent);
}

fn divided(a: f32, b: f32) -> f32 {
  let divisor = magnitude_of(b);
  if (divisor >= 0x01000000u && divisor < 0x7d000000u && magnitude_of(a) >= 0x00800000u) {
    return a / b;
  }
  let p = tamed(a);
  let q = tamed(b);
  return shifted(p.value / q.value, p.exponent - q.exponent);
}

fn binary(kind: u32, a: f32, b: f32) -> f32 {
  switch (kind) {
    case 0u: {
      return a + b;
    }
    case 1u: {
      return a - b;
    }
    case 2u: {
      return multiplied(a, b);
    }
    default: {
      return divided(a, b);
    }
  }
}

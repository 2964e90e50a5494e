//! e^x, the logarithm and the logistic function within about two units of the last place for all inputs; WGSL's own
//! exp is allowed an error that grows with |x|. NaN stays NaN; what is below the normal numbers may be 0.
//#include "bits.wgsl"

fn power_of_two(n: i32) -> f32 {
  return bitcast<f32>(u32(n + 127) << 23u);
}

/// e^x = 2^n e^r with |r| <= log(2) / 2.
fn exp_of(x: f32) -> f32 {
  let inside = clamp(x, -104.0, 89.0);
  let whole = round(inside * 0x1.715476p0f);
  // log(2) in two parts; n times the first is exact.
  var r = fma(whole, -0x1.62e4p-1f, inside);
  // Here, where it also keeps compilers from joining the two parts again.
  r = select(r, x, is_nan(x));
  r = fma(whole, -0x1.7f7d1cp-20f, r);
  var q = 0.0013813146;
  q = fma(q, r, 0.008369419);
  q = fma(q, r, 0.041668456);
  q = fma(q, r, 0.16666515);
  q = fma(q, r, 0.49999994);
  let y = 1.0 + fma(r * r, q, r);
  // In two steps: 2^n alone leaves the range of normal numbers before the result does.
  let n = i32(whole);
  let half = n >> 1u;
  return (y * power_of_two(half)) * power_of_two(n - half);
}

/// log(2^e (1 + f)) with 1 + f in sqrt(1/2) .. sqrt(2).
fn log_of(x: f32) -> f32 {
  let given = bitcast<u32>(x);
  if (given >= 0x80000000u && given != 0x80000000u) {
    return nan_from(given);
  }
  if (given >= NOT_FINITE) {
    // -0, infinity or NaN.
    return select(x, bitcast<f32>(given | 0x7f800000u), given == 0x80000000u);
  }
  if (given == 0u) {
    return bitcast<f32>(given | 0xff800000u);
  }
  // A subnormal number is a whole one times 2^-149.
  let subnormal = given < 0x00800000u;
  let bits = select(given, bitcast<u32>(f32(given)), subnormal);
  let above = bits - 0x3f3504f3u; // the bits of sqrt(1/2)
  let e = f32(bitcast<i32>(above) >> 23u) - select(0.0, 149.0, subnormal);
  let f = bitcast<f32>((above & 0x007fffffu) + 0x3f3504f3u) - 1.0;
  var q = -0.07646086;
  q = fma(q, f, 0.12779097);
  q = fma(q, f, -0.13164185);
  q = fma(q, f, 0.14199698);
  q = fma(q, f, -0.16622765);
  q = fma(q, f, 0.20001292);
  q = fma(q, f, -0.25000837);
  q = fma(q, f, 0.3333333);
  let square = f * f;
  // Small terms first: e log(2) = e * 0x1.62e4p-1 (exact) + e * 0x1.7f7d1cp-20.
  let small = fma(-0.5, square, fma(square * f, q, e * 0x1.7f7d1cp-20f));
  return fma(e, 0x1.62e4p-1f, f + small);
}

struct Logistic {
  s: f32,
  rest: f32,
}

/// s = 1 / (1 + e^-x) and 1 - s, both without cancellation.
fn logistic(x: f32) -> Logistic {
  let e = exp_of(-abs(x));
  let large = 1.0 / (1.0 + e);
  let small = e * large;
  if (is_negative(x)) {
    return Logistic(small, large);
  }
  return Logistic(large, small);
}

/*
 * exp, log, tanh, erf and the logistic function of four floats at once, for all inputs: NaN stays NaN, infinities and
 * subnormal numbers are right. Largest errors found against float64 over dense samples, in units of the last place:
 * exp 1.0, log 0.9, tanh 1.6, erf 2.4, sigmoid 2.3 (with or without fused multiply-add).
 * The polynomials are minimax fits of the relative error, made for this file. Included by simd.h.
 */
#ifndef QSPARSE_SIMD_MATH_H
#define QSPARSE_SIMD_MATH_H

#include "simd.h"

#define SPLAT(x) wasm_f32x4_const_splat(x)

/* 2^n for integers n in -126 .. 127. */
static inline v128_t power_of_two(v128_t n) {
  return wasm_i32x4_shl(wasm_i32x4_add(n, wasm_i32x4_const_splat(127)), 23);
}

/* e^x = 2^n e^r with |r| <= log(2) / 2. */
static inline v128_t exp4(v128_t x) {
  /* Beyond these the result is 0 or infinite anyway; written so that NaN passes. */
  x = wasm_f32x4_pmax(wasm_f32x4_pmin(x, SPLAT(89.0f)), SPLAT(-104.0f));
  const v128_t magic = SPLAT(0x1.8p23f); /* adding it rounds to an integer in the low bits */
  const v128_t shifted = madd(x, SPLAT(0x1.715476p0f), magic);
  const v128_t whole = wasm_f32x4_sub(shifted, magic);
  const v128_t n = wasm_i32x4_sub(shifted, magic);
  /* log(2) in two parts; n times the first is exact */
  v128_t r = nmadd(whole, SPLAT(0x1.62e4p-1f), x);
  r = nmadd(whole, SPLAT(0x1.7f7d1cp-20f), r);
  v128_t q = SPLAT(0.0013813146f);
  q = madd(q, r, SPLAT(0.008369419f));
  q = madd(q, r, SPLAT(0.041668456f));
  q = madd(q, r, SPLAT(0.16666515f));
  q = madd(q, r, SPLAT(0.49999994f));
  const v128_t y = wasm_f32x4_add(SPLAT(1.0f), madd(wasm_f32x4_mul(r, r), q, r));
  /* In two steps: 2^n alone leaves the range of normal numbers before the result does. */
  const v128_t half = wasm_i32x4_shr(n, 1);
  return wasm_f32x4_mul(wasm_f32x4_mul(y, power_of_two(half)), power_of_two(wasm_i32x4_sub(n, half)));
}

/* log(2^e (1 + f)) with 1 + f in sqrt(1/2) .. sqrt(2). */
static inline v128_t log4(v128_t x) {
  const v128_t subnormal = wasm_f32x4_lt(x, SPLAT(0x1p-126f));
  const v128_t bits = wasm_v128_bitselect(wasm_f32x4_mul(x, SPLAT(0x1p23f)), x, subnormal);
  const v128_t above = wasm_i32x4_sub(bits, wasm_i32x4_const_splat(0x3f3504f3)); /* the bits of sqrt(1/2) */
  v128_t e = wasm_f32x4_convert_i32x4(wasm_i32x4_shr(above, 23));
  e = wasm_f32x4_sub(e, wasm_v128_and(subnormal, SPLAT(23.0f)));
  const v128_t mantissa = wasm_v128_and(above, wasm_i32x4_const_splat(0x007fffff));
  const v128_t f = wasm_f32x4_sub(wasm_i32x4_add(mantissa, wasm_i32x4_const_splat(0x3f3504f3)), SPLAT(1.0f));
  v128_t q = SPLAT(-0.07646086f);
  q = madd(q, f, SPLAT(0.12779097f));
  q = madd(q, f, SPLAT(-0.13164185f));
  q = madd(q, f, SPLAT(0.14199698f));
  q = madd(q, f, SPLAT(-0.16622765f));
  q = madd(q, f, SPLAT(0.20001292f));
  q = madd(q, f, SPLAT(-0.25000837f));
  q = madd(q, f, SPLAT(0.3333333f));
  const v128_t square = wasm_f32x4_mul(f, f);
  /* small terms first: e log(2) = e * 0x1.62e4p-1 (exact) + e * 0x1.7f7d1cp-20 */
  v128_t small = madd(wasm_f32x4_mul(square, f), q, wasm_f32x4_mul(e, SPLAT(0x1.7f7d1cp-20f)));
  small = nmadd(SPLAT(0.5f), square, small);
  v128_t y = madd(e, SPLAT(0x1.62e4p-1f), wasm_f32x4_add(f, small));
  y = wasm_v128_bitselect(SPLAT(-__builtin_inff()), y, wasm_f32x4_eq(x, SPLAT(0.0f)));
  y = wasm_v128_bitselect(x, y, wasm_f32x4_eq(x, SPLAT(__builtin_inff())));
  return wasm_v128_bitselect(y, SPLAT(__builtin_nanf("")), wasm_f32x4_ge(x, SPLAT(0.0f)));
}

/* 1 / (1 + e^-x), without a loss for large |x|. */
static inline v128_t sigmoid4(v128_t x) {
  const v128_t e = exp4(wasm_f32x4_neg(wasm_f32x4_abs(x)));
  const v128_t above = wasm_v128_bitselect(e, SPLAT(1.0f), wasm_f32x4_lt(x, SPLAT(0.0f)));
  return wasm_f32x4_div(above, wasm_f32x4_add(SPLAT(1.0f), e));
}

/* `magnitude` with the sign of x. */
static inline v128_t with_sign_of(v128_t x, v128_t magnitude) {
  return wasm_v128_or(magnitude, wasm_v128_and(x, wasm_i32x4_const_splat(INT32_MIN)));
}

static inline v128_t tanh4(v128_t x) {
  const v128_t size = wasm_f32x4_abs(x), square = wasm_f32x4_mul(x, x);
  v128_t q = SPLAT(-0.0056669815f);
  q = madd(q, square, SPLAT(0.02060618f));
  q = madd(q, square, SPLAT(-0.053730007f));
  q = madd(q, square, SPLAT(0.13331331f));
  q = madd(q, square, SPLAT(-0.33333278f));
  const v128_t near = madd(wasm_f32x4_mul(square, size), q, size);
  const v128_t e = exp4(wasm_f32x4_mul(SPLAT(-2.0f), size));
  const v128_t far = wasm_f32x4_div(wasm_f32x4_sub(SPLAT(1.0f), e), wasm_f32x4_add(SPLAT(1.0f), e));
  return with_sign_of(x, wasm_v128_bitselect(near, far, wasm_f32x4_lt(size, SPLAT(0.625f))));
}

/* A polynomial near 0, 1 - e^p(|x|) elsewhere. */
static inline v128_t erf4(v128_t x) {
  const v128_t size = wasm_f32x4_abs(x), square = wasm_f32x4_mul(x, x);
  v128_t q = SPLAT(-0.0006090361f);
  q = madd(q, square, SPLAT(0.005011963f));
  q = madd(q, square, SPLAT(-0.026778908f));
  q = madd(q, square, SPLAT(0.11282141f));
  q = madd(q, square, SPLAT(-0.37612525f));
  q = madd(q, square, SPLAT(1.1283791f));
  const v128_t near = wasm_f32x4_mul(q, size);
  const v128_t s = wasm_f32x4_pmin(size, SPLAT(3.95f)); /* from here on 1 in float32 */
  v128_t p = SPLAT(-0.0012828405f);
  p = madd(p, s, SPLAT(0.01581632f));
  p = madd(p, s, SPLAT(-0.09180907f));
  p = madd(p, s, SPLAT(-0.6497508f));
  p = madd(p, s, SPLAT(-1.120893f));
  p = madd(p, s, SPLAT(-0.0016861132f));
  const v128_t far = wasm_f32x4_sub(SPLAT(1.0f), exp4(p));
  return with_sign_of(x, wasm_v128_bitselect(near, far, wasm_f32x4_lt(size, SPLAT(0.9f))));
}

#undef SPLAT

#endif

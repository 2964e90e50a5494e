/**
 * Int8 levels of a row, kept in floating point: round(127 x / largest), half to even, times largest / 127. For bf16 every
 * result is what exact arithmetic gives; float32 divides as the CPU does, to the last bit.
 */
#pragma once
#include "row-team.cuh"

/** Adding it rounds a float below 2^22 to a whole number, half to even. */
constexpr float WHOLE = 12582912.0f;

template <class T>
struct Levels;

/** For a bf16 row whose largest magnitude is `largest`. */
template <>
struct Levels<bf16> {
  float scale, step;

  DEVICE explicit Levels(float largest) {
    const float g = fmaxf(largest, 1e-5f);
    step = g / 127;
    scale = 127 / g;
    // Quotients of bf16 numbers keep away from halves by far more than a float's error, but for exact halves: where g is
    // 127 times a power of two, and then the scale is exact; and g / 2, which is 63.5 and must not come out below.
    if (fmaf(scale, g, -127) < 0) scale = __uint_as_float(__float_as_uint(scale) + 1);
  }
  /** What another thread has found. */
  DEVICE Levels(float scale, float step) : scale(scale), step(step) {}
  /** A whole number from -127 to 127. */
  DEVICE float code(float x) const { return fmaf(x, scale, WHOLE) - WHOLE; }
  DEVICE float of(float x) const { return code(x) * step; }
};

/** For a float32 row. */
template <>
struct Levels<float> {
  float down, g, inverse, step;

  DEVICE explicit Levels(float largest) {
    const float exact = fmaxf(largest, 1e-5f);
    // 127 x must not overflow.
    const bool huge = exact > 1e30f;
    g = huge ? exact * 0.0009765625f : exact;
    down = huge ? 127 * 0.0009765625f : 127.0f;
    inverse = 1 / g;
    step = exact / 127;
  }
  /** The quotient with one correction is the rounded quotient. */
  DEVICE float code(float x) const {
    const float dividend = x * down, first = dividend * inverse;
    const float quotient = fmaf(fmaf(-first, g, dividend), inverse, first);
    return quotient + WHOLE - WHOLE;
  }
  DEVICE float of(float x) const { return code(x) * step; }
};

/** A word of levels. */
template <class T>
DEVICE u32 level_word(u32 word, const Levels<T>& levels) {
  float x[sizeof(u32) / sizeof(T)];
  unpack<T>(x, word);
#pragma unroll
  for (float& entry : x) entry = levels.of(entry);
  return packed(x);
}

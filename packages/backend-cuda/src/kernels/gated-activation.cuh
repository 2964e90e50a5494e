/** The activations of gated feed-forwards with their derivatives, in float32; unary.cuh says what they are. */
#pragma once
#include "elementwise.cuh"
#include "unary.cuh"

/** The same order as in gated-activation.ts. */
enum GatedKind { GATED_SQUARED_RELU, GATED_SILU, GATED_GELU };

struct Activation {
  float value, slope;
};

/** For results that are rounded to T: bf16 does with the fast exponential and division, which are off by a few 2^-23. */
template <class T>
DEVICE Logistic logistic_for(float x) {
  if (sizeof(T) == 4) return logistic(x);
  const float e = exp2_approximate(-1.4426950408889634f * fabsf(x)), large = __fdividef(1, 1 + e), small = e * large;
  return x < 0 ? Logistic{small, large} : Logistic{large, small};
}

template <class T, GatedKind KIND>
DEVICE Activation activation(float x) {
  if (KIND == GATED_SQUARED_RELU) {
    const float positive = relu(x);
    return {positive * positive, 2 * positive};
  }
  if (KIND == GATED_SILU) {
    const Logistic l = logistic_for<T>(x);
    return {x * l.s, l.s * fmaf(x, l.rest, 1)};
  }
  const Logistic l = logistic_for<T>(gelu_argument(x));
  const float c = x - x + fminf(fmaxf(x, -64), 64);
  return {x * l.s, l.s + l.s * l.rest * (c * fmaf(c * c, 3 * GELU_CUBIC, GELU_LINEAR))};
}

/** Where entry i of a width is in tensors of rows: in those of gates, and in narrow ones without a gap. */
struct GatedPlace {
  long long gated, narrow;
};
/** Piece `index` of rows that have `pieces` pieces of `size` entries; gates' rows are `stride` entries long. */
DEVICE GatedPlace gated_place(long long index, long long pieces, long long stride, int size, bool small) {
  const long long row = quotient(index, pieces, small), column = (index - row * pieces) * size;
  return {row * stride + column, row * pieces * size + column};
}

/** The functions of unary.cu, unary-backward.cu and whatever fuses an activation: f(x) and f'(x) in float32. */
#pragma once
#include "device.cuh"

/** The same order as in unary.ts. */
enum UnaryKind { NEGATE, EXP, LOG, SQRT, SQUARE, RECIPROCAL, ABSOLUTE, RELU, SQUARED_RELU, SILU, GELU };

/** s = 1 / (1 + e^-x) and 1 - s, both without cancellation. */
struct Logistic {
  float s;
  float rest;
};
DEVICE Logistic logistic(float x) {
  const float e = expf(-fabsf(x)), large = 1 / (1 + e), small = e * large;
  return x < 0 ? Logistic{small, large} : Logistic{large, small};
}

/** 2 sqrt(2 / pi), and that times 0.044715: GELU in its tanh form is x sigmoid(2u), 2u = LINEAR x + CUBIC x^3. */
constexpr float GELU_LINEAR = 1.5957691216057308f;
constexpr float GELU_CUBIC = 1.5957691216057308f * 0.044715f;
DEVICE float gelu_argument(float x) { return x * fmaf(x * x, GELU_CUBIC, GELU_LINEAR); }

/** max(x, 0), which leaves a NaN one. */
DEVICE float relu(float x) { return x <= 0 ? 0.0f : x; }

template <UnaryKind KIND>
DEVICE float unary_value(float x) {
  if (KIND == NEGATE) return -x;
  if (KIND == EXP) return expf(x);
  if (KIND == LOG) return logf(x);
  if (KIND == SQRT) return sqrtf(x);
  if (KIND == SQUARE) return x * x;
  if (KIND == RECIPROCAL) return 1 / x;
  if (KIND == ABSOLUTE) return fabsf(x);
  if (KIND == RELU) return relu(x);
  if (KIND == SQUARED_RELU) return relu(x) * relu(x);
  if (KIND == SILU) return x * logistic(x).s;
  return x * logistic(gelu_argument(x)).s;
}

/** At a kink the derivative from the left, 0. */
template <UnaryKind KIND>
DEVICE float unary_derivative(float x) {
  if (KIND == NEGATE) return -1;
  if (KIND == EXP) return expf(x);
  if (KIND == LOG) return 1 / x;
  if (KIND == SQRT) return 0.5f / sqrtf(x);
  if (KIND == SQUARE) return 2 * x;
  if (KIND == RECIPROCAL) return -1 / (x * x);
  if (KIND == ABSOLUTE) return x > 0 ? 1.0f : x < 0 ? -1.0f : x;
  if (KIND == RELU) return x > 0 ? 1.0f : 0.0f;
  if (KIND == SQUARED_RELU) return 2 * relu(x);
  if (KIND == SILU) {
    const Logistic l = logistic(x);
    return l.s * fmaf(x, l.rest, 1);
  }
  // s + x s (1 - s) (2u)'. Beyond 64 the second term is 0, and without the limit it would be 0 times infinity.
  const Logistic l = logistic(gelu_argument(x));
  const float c = x - x + fminf(fmaxf(x, -64), 64);
  return l.s + l.s * l.rest * (c * fmaf(c * c, 3 * GELU_CUBIC, GELU_LINEAR));
}

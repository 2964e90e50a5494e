/*
 * The activations of a gated feed-forward with their derivatives, and both passes over n elements, which gated-sparsify
 * calls too. The kinds are in the order of gated-activation.ts.
 */
#ifndef QSPARSE_GATED_ACTIVATION_H
#define QSPARSE_GATED_ACTIVATION_H

#include "unary.h"

enum { GATED_SQUARED_RELU, GATED_SILU, GATED_GELU };

struct activation {
  v128_t value, slope;
};

static inline struct activation squared_relu_activation(v128_t x) {
  const v128_t positive = wasm_f32x4_pmax(x, wasm_f32x4_const_splat(0)); /* NaN stays */
  return (struct activation){wasm_f32x4_mul(positive, positive), wasm_f32x4_add(positive, positive)};
}

/* x s and s (1 + x (1 - s)) */
static inline struct activation silu_activation(v128_t x) {
  v128_t s, rest;
  logistic_parts(x, &s, &rest);
  return (struct activation){wasm_f32x4_mul(x, s), wasm_f32x4_mul(s, madd(x, rest, wasm_f32x4_const_splat(1)))};
}

/* With s = sigmoid(2u): x s and s + x s (1 - s) (2u)'. */
static inline struct activation gelu_activation(v128_t x) {
  v128_t s, rest;
  logistic_parts(gelu_argument(x), &s, &rest);
  /* Beyond 64 the second term is 0; without the limit it would be 0 times infinity. */
  const v128_t c = wasm_f32x4_pmax(wasm_f32x4_pmin(x, wasm_f32x4_const_splat(64)), wasm_f32x4_const_splat(-64));
  const v128_t slope = madd(wasm_f32x4_mul(c, c), wasm_f32x4_const_splat(3 * GELU_LINEAR * GELU_CUBIC),
                            wasm_f32x4_const_splat(GELU_LINEAR));
  const v128_t bend = wasm_f32x4_mul(wasm_f32x4_mul(s, rest), wasm_f32x4_mul(c, slope));
  return (struct activation){wasm_f32x4_mul(x, s), wasm_f32x4_add(s, bend)};
}

/* y = act(gate) * up, n elements; in gated-activation.c. */
void gated_run(int32_t kind, const float *gate, const float *up, float *y, int32_t n);

/* d_gate = act'(gate) * (dy * up), d_up = act(gate) * dy, n elements; in gated-activation-backward.c. */
void gated_backward(int32_t kind, const float *gate, const float *up, const float *dy, float *d_gate, float *d_up,
                    int32_t n);

#endif

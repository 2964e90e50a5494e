/*
 * What unary.c, unary-backward.c and gated-activation.h share: the kinds, the logistic function, and GELU in its tanh
 * form (Hendrycks and Gimpel, arXiv 1606.08415).
 */
#ifndef QSPARSE_UNARY_H
#define QSPARSE_UNARY_H

#include "../runtime/simd-math.h"

/* The same order as in unary.ts. */
enum { NEGATE, EXP, LOG, SQRT, SQUARE, RECIPROCAL, ABSOLUTE, RELU, SQUARED_RELU, SILU, GELU, KINDS };

#define GELU_LINEAR 1.5957691216057308f /* 2 sqrt(2 / pi) */
#define GELU_CUBIC 0.044715f

/* 2u = 2 sqrt(2 / pi) (x + 0.044715 x^3) */
static inline v128_t gelu_argument(v128_t x) {
  const v128_t cubic = wasm_f32x4_mul(wasm_f32x4_mul(x, x), wasm_f32x4_const_splat(GELU_LINEAR * GELU_CUBIC));
  return wasm_f32x4_mul(x, wasm_f32x4_add(cubic, wasm_f32x4_const_splat(GELU_LINEAR)));
}

/* s = 1 / (1 + e^-x) and 1 - s, both without cancellation. */
static inline void logistic_parts(v128_t x, v128_t *s, v128_t *rest) {
  const v128_t one = wasm_f32x4_const_splat(1), e = exp4(wasm_f32x4_neg(wasm_f32x4_abs(x)));
  const v128_t large = wasm_f32x4_div(one, wasm_f32x4_add(one, e)), small = wasm_f32x4_mul(e, large);
  const v128_t negative = wasm_f32x4_lt(x, wasm_f32x4_const_splat(0));
  *s = wasm_v128_bitselect(small, large, negative);
  *rest = wasm_v128_bitselect(large, small, negative);
}

#endif

/* What unary.c and unary-backward.c share: the kinds, and GELU in its tanh form (Hendrycks and Gimpel, arXiv 1606.08415). */
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

#endif

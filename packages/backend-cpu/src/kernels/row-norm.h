/* The scale of RMSNorm for one row, and a normalised entry; rms-norm.c and sparsify.c must agree to the last bit. */
#ifndef QSPARSE_ROW_NORM_H
#define QSPARSE_ROW_NORM_H

#include "../runtime/simd.h"

#define SQUARES_PIECE 4096 /* elements that are summed in float32, 16 sums side by side, before float64 takes over */

static inline float piece_of_squares(const float *x, int32_t n) {
  v128_t a = wasm_f32x4_const_splat(0), b = a, c = a, d = a;
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const v128_t x0 = load4(x + i), x1 = load4(x + i + 4), x2 = load4(x + i + 8), x3 = load4(x + i + 12);
    a = madd(x0, x0, a);
    b = madd(x1, x1, b);
    c = madd(x2, x2, c);
    d = madd(x3, x3, d);
  }
  for (; i < n; i += 4) {
    const v128_t x0 = n - i >= 4 ? load4(x + i) : load_some(x + i, n - i);
    a = madd(x0, x0, a);
  }
  return sum4(wasm_f32x4_add(wasm_f32x4_add(a, b), wasm_f32x4_add(c, d)));
}

/* The sum of squares in float64, for rows whose squares overflow float32. */
static inline double wide_squares(const float *x, int32_t n) {
  double sum = 0;
  for (int32_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
  return sum;
}

/* 1 / sqrt(mean of squares + epsilon) */
static inline float inverse_rms(const float *x, int32_t n, float epsilon) {
  double sum = 0;
  for (int32_t i = 0; i < n; i += SQUARES_PIECE)
    sum += piece_of_squares(x + i, n - i < SQUARES_PIECE ? n - i : SQUARES_PIECE);
  if (!(sum < __builtin_inf())) sum = wide_squares(x, n);
  return (float)(1 / __builtin_sqrt(sum / n + epsilon));
}

static inline v128_t normalized4(v128_t x, v128_t scale, v128_t weight) {
  return wasm_f32x4_mul(wasm_f32x4_mul(x, scale), weight);
}

#endif

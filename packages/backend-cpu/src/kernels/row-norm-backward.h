/*
 * The gradient of RMSNorm for a row, and the sum of dWeight over chunks of rows; rms-norm-backward.c and
 * gated-sparsify-backward.c must agree to the last bit.
 */
#ifndef QSPARSE_ROW_NORM_BACKWARD_H
#define QSPARSE_ROW_NORM_BACKWARD_H

#include "../runtime/kernel.h"
#include "../runtime/simd.h"

/* sum of dy * weight * x */
static inline float dot(const float *dy, const float *x, const float *weight, int32_t n) {
  const v128_t one = wasm_f32x4_const_splat(1);
  v128_t s0 = wasm_f32x4_const_splat(0), s1 = s0;
  int32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const v128_t w0 = weight ? load4(weight + i) : one, w1 = weight ? load4(weight + i + 4) : one;
    s0 = madd(wasm_f32x4_mul(load4(dy + i), w0), load4(x + i), s0);
    s1 = madd(wasm_f32x4_mul(load4(dy + i + 4), w1), load4(x + i + 4), s1);
  }
  for (; i + 4 <= n; i += 4)
    s0 = madd(wasm_f32x4_mul(load4(dy + i), weight ? load4(weight + i) : one), load4(x + i), s0);
  const v128_t rest = wasm_f32x4_mul(load_some(dy + i, n - i), weight ? load_some(weight + i, n - i) : one);
  s1 = madd(rest, load_some(x + i, n - i), s1);
  return sum4(wasm_f32x4_add(s0, s1));
}

/* inverse * (dy * weight - x * bend) */
static inline v128_t gradient4(v128_t dy, v128_t weight, v128_t x, v128_t inverse, v128_t bend) {
  return wasm_f32x4_mul(inverse, nmadd(x, bend, wasm_f32x4_mul(dy, weight)));
}

/*
 * dx (= or +=) inverse * (g - h * mean(g h)) with h = x * inverse and g = dy * weight, for a row of n; sums += dy * h,
 * when there is a weight. dx may be dy or x.
 */
static inline void norm_backward_row(const float *dy, const float *x, const float *weight, float inverse_rms, float *dx,
                                     float *sums, int32_t n, int add) {
  const float mean = dot(dy, x, weight, n) * inverse_rms / (float)n;
  const v128_t inverse = wasm_f32x4_splat(inverse_rms), bend = wasm_f32x4_splat(inverse_rms * mean);
  const v128_t zero = wasm_f32x4_const_splat(0), one = wasm_f32x4_const_splat(1);
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const v128_t y = load4(dy + i), v = load4(x + i);
    const v128_t g = gradient4(y, weight ? load4(weight + i) : one, v, inverse, bend);
    store4(dx + i, add ? wasm_f32x4_add(load4(dx + i), g) : g);
    if (weight) store4(sums + i, madd(wasm_f32x4_mul(y, inverse), v, load4(sums + i)));
  }
  if (i == n) return;
  const int32_t left = n - i;
  const v128_t y = load_some(dy + i, left), v = load_some(x + i, left);
  const v128_t g = gradient4(y, weight ? load_some(weight + i, left) : one, v, inverse, bend);
  store_some(dx + i, wasm_f32x4_add(add ? load_some(dx + i, left) : zero, g), left);
  if (weight) store_some(sums + i, madd(wasm_f32x4_mul(y, inverse), v, load_some(sums + i, left)), left);
}

/* d_weight (= or +=) the sum of the `chunks` rows of `partial`, in order; this thread's share of the columns. */
static inline void add_partials(const float *partial, int32_t chunks, float *d_weight, int32_t width, int add,
                                int thread, int threads) {
  const struct range columns = part(width, 16, thread, threads);
  for (int32_t i = columns.begin; i < columns.end; i += 4) {
    const int32_t here = columns.end - i < 4 ? columns.end - i : 4;
    v128_t sum = wasm_f32x4_const_splat(0);
    for (int32_t c = 0; c < chunks; c++) {
      const float *from = partial + c * width + i;
      sum = wasm_f32x4_add(sum, here == 4 ? load4(from) : load_some(from, here));
    }
    float *to = d_weight + i;
    if (add) sum = wasm_f32x4_add(sum, here == 4 ? load4(to) : load_some(to, here));
    if (here == 4) store4(to, sum);
    else store_some(to, sum, here);
  }
}

#endif

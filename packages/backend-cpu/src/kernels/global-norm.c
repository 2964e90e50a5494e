/* global_norm: the square root of the sum of squares, in float64 over chunks that depend on the count alone. */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

struct global_norm_args {
  const float *x;
  float *norm;
  int32_t count;
};

static inline v128_t add_squares(v128_t sum, v128_t two) { return wasm_f64x2_add(sum, wasm_f64x2_mul(two, two)); }

static double sum_of_squares(const float *x, int32_t n) {
  v128_t s0 = wasm_f64x2_const_splat(0), s1 = s0, s2 = s0, s3 = s0;
  int32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    s0 = add_squares(s0, wasm_f64x2_promote_low_f32x4(wasm_v128_load64_zero(x + i)));
    s1 = add_squares(s1, wasm_f64x2_promote_low_f32x4(wasm_v128_load64_zero(x + i + 2)));
    s2 = add_squares(s2, wasm_f64x2_promote_low_f32x4(wasm_v128_load64_zero(x + i + 4)));
    s3 = add_squares(s3, wasm_f64x2_promote_low_f32x4(wasm_v128_load64_zero(x + i + 6)));
  }
  double sum = sum2_f64(wasm_f64x2_add(wasm_f64x2_add(s0, s1), wasm_f64x2_add(s2, s3)));
  for (; i < n; i++) sum += (double)x[i] * x[i];
  return sum;
}

KERNEL(global_norm) {
  double *partial = shared_scratch();
  const int32_t chunks = reduction_chunks(a->count, 4096);
  for (int32_t c = thread; c < chunks; c += threads) {
    const struct range r = part(a->count, 16, c, chunks);
    partial[c] = sum_of_squares(a->x + r.begin, r.end - r.begin);
  }
  barrier(thread, threads);
  if (thread > 0) return;
  double sum = 0;
  for (int32_t c = 0; c < chunks; c++) sum += partial[c];
  *a->norm = (float)__builtin_sqrt(sum);
}

/*
 * ternarize: alpha = mean|w|, at least 1e-5, over the whole tensor, in float64 over chunks that depend on the count
 * alone; y = alpha * round(w / alpha) within one level. With a NaN or an infinity anywhere, all of y and alpha are NaN.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

struct ternarize_args {
  const float *w;
  float *y;
  float *alpha;
  int32_t count;
};

static double sum_of_magnitudes(const float *w, int32_t n) {
  v128_t s0 = wasm_f64x2_const_splat(0), s1 = s0;
  int32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    s0 = add4_f64(s0, wasm_f32x4_abs(load4(w + i)));
    s1 = add4_f64(s1, wasm_f32x4_abs(load4(w + i + 4)));
  }
  double sum = sum2_f64(wasm_f64x2_add(s0, s1));
  for (; i < n; i++) sum += __builtin_fabsf(w[i]);
  return sum;
}

/* The largest float that is at most x > 0. */
static float rounded_down(double x) {
  union {
    float f;
    int32_t i;
  } u = {(float)x};
  if (u.f > x) u.i--;
  return u.f;
}

KERNEL(ternarize) {
  double *partial = shared_scratch();
  const int32_t chunks = reduction_chunks(a->count, 4096);
  for (int32_t c = thread; c < chunks; c += threads) {
    const struct range r = part(a->count, 16, c, chunks);
    partial[c] = sum_of_magnitudes(a->w + r.begin, r.end - r.begin);
  }
  barrier(thread, threads);
  double sum = 0;
  for (int32_t c = 0; c < chunks; c++) sum += partial[c];
  const double mean = sum / a->count, exact = mean < 1e-5 ? 1e-5 : mean;
  const int finite = sum < __builtin_inf();
  const float alpha = finite ? (float)exact : __builtin_nanf("");
  if (thread == 0) *a->alpha = alpha;

  /* round(w / alpha) is 0 up to and with |w| = alpha / 2 (half to even). Rounded down, the comparison is exact. */
  const v128_t half = wasm_f32x4_splat(rounded_down(exact / 2)), level = wasm_f32x4_splat(alpha);
  const v128_t sign = wasm_i32x4_const_splat(INT32_MIN);
  const struct range r = part(a->count, 16, thread, threads);
  if (!finite) {
    fill_floats(a->y + r.begin, alpha, r.end - r.begin);
    return;
  }
  int32_t i = r.begin;
  for (; i + 4 <= r.end; i += 4) {
    const v128_t w = load4(a->w + i), signed_level = wasm_v128_or(wasm_v128_and(w, sign), level);
    store4(a->y + i, wasm_v128_and(signed_level, wasm_f32x4_gt(wasm_f32x4_abs(w), half)));
  }
  const v128_t w = load_some(a->w + i, r.end - i), signed_level = wasm_v128_or(wasm_v128_and(w, sign), level);
  store_some(a->y + i, wasm_v128_and(signed_level, wasm_f32x4_gt(wasm_f32x4_abs(w), half)), r.end - i);
}

/* softmax-backward: dx = y * (dy - sum(y * dy)) over the last dimension of [rows, n], f32. */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

struct softmax_backward_args {
  const float *y;
  const float *dy;
  float *dx;
  int32_t rows;
  int32_t n;
};

static float dot(const float *a, const float *b, int32_t n) {
  v128_t s0 = wasm_f32x4_const_splat(0), s1 = s0, s2 = s0, s3 = s0;
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) {
    s0 = madd(load4(a + i), load4(b + i), s0);
    s1 = madd(load4(a + i + 4), load4(b + i + 4), s1);
    s2 = madd(load4(a + i + 8), load4(b + i + 8), s2);
    s3 = madd(load4(a + i + 12), load4(b + i + 12), s3);
  }
  for (; i + 4 <= n; i += 4) s0 = madd(load4(a + i), load4(b + i), s0);
  s1 = madd(load_some(a + i, n - i), load_some(b + i, n - i), s1);
  return sum4(wasm_f32x4_add(wasm_f32x4_add(s0, s1), wasm_f32x4_add(s2, s3)));
}

KERNEL(softmax_backward) {
  const struct range r = part(a->rows, 1, thread, threads);
  for (int32_t row = r.begin; row < r.end; row++) {
    const float *y = a->y + row * a->n, *dy = a->dy + row * a->n;
    float *dx = a->dx + row * a->n;
    const v128_t mean = wasm_f32x4_splat(dot(y, dy, a->n));
    int32_t i = 0;
    for (; i + 4 <= a->n; i += 4) store4(dx + i, wasm_f32x4_mul(load4(y + i), wasm_f32x4_sub(load4(dy + i), mean)));
    const int32_t rest = a->n - i;
    store_some(dx + i, wasm_f32x4_mul(load_some(y + i, rest), wasm_f32x4_sub(load_some(dy + i, rest), mean)), rest);
  }
}

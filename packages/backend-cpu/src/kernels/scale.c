/* scale: y = x * factor, f32. */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

struct scale_args {
  const float *x;
  float *y;
  int32_t count;
  float factor;
};

KERNEL(scale) {
  const struct range r = part(a->count, 16, thread, threads);
  const v128_t factor = wasm_f32x4_splat(a->factor);
  const float *x = a->x;
  float *y = a->y;
  int32_t i = r.begin;
  for (; i + 16 <= r.end; i += 16) {
    const v128_t y0 = wasm_f32x4_mul(load4(x + i), factor), y1 = wasm_f32x4_mul(load4(x + i + 4), factor);
    const v128_t y2 = wasm_f32x4_mul(load4(x + i + 8), factor), y3 = wasm_f32x4_mul(load4(x + i + 12), factor);
    store4(y + i, y0);
    store4(y + i + 4, y1);
    store4(y + i + 8, y2);
    store4(y + i + 12, y3);
  }
  for (; i + 4 <= r.end; i += 4) store4(y + i, wasm_f32x4_mul(load4(x + i), factor));
  store_some(y + i, wasm_f32x4_mul(load_some(x + i, r.end - i), factor), r.end - i);
}

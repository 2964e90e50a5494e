/* accumulate: into += x, f32. */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

struct accumulate_args {
  float *into;
  const float *x;
  int32_t count;
};

KERNEL(accumulate) {
  const struct range r = part(a->count, 16, thread, threads);
  int32_t i = r.begin;
  for (; i + 8 <= r.end; i += 8) {
    const v128_t y0 = wasm_f32x4_add(load4(a->into + i), load4(a->x + i));
    const v128_t y1 = wasm_f32x4_add(load4(a->into + i + 4), load4(a->x + i + 4));
    store4(a->into + i, y0);
    store4(a->into + i + 4, y1);
  }
  for (; i < r.end; i++) a->into[i] += a->x[i];
}

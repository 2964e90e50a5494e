/*
 * cross_entropy_backward: dLogits = d * (e^(logits - logSumExp) - onehot(target)) / count, zeros for an ignored target,
 * NaN for one beyond the row. dLogits may be the logits themselves.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

struct cross_entropy_backward_args {
  const float *d;
  const float *logits;
  const int32_t *targets;
  const float *log_sum_exp;
  const float *count;
  float *d_logits;
  int32_t rows;
  int32_t width;
};

KERNEL(cross_entropy_backward) {
  const struct range r = part(a->rows, 1, thread, threads);
  const int32_t width = a->width;
  const float factor = *a->d / *a->count;
  for (int32_t row = r.begin; row < r.end; row++) {
    const int32_t target = a->targets[row];
    const float *x = a->logits + row * width;
    float *dx = a->d_logits + row * width;
    if (target < 0) {
      fill_floats(dx, 0, width);
      continue;
    }
    const v128_t f = wasm_f32x4_splat(target < width ? factor : __builtin_nanf(""));
    const v128_t l = wasm_f32x4_splat(a->log_sum_exp[row]);
    int32_t i = 0;
    for (; i + 8 <= width; i += 8) {
      const v128_t p0 = exp4(wasm_f32x4_sub(load4(x + i), l)), p1 = exp4(wasm_f32x4_sub(load4(x + i + 4), l));
      store4(dx + i, wasm_f32x4_mul(p0, f));
      store4(dx + i + 4, wasm_f32x4_mul(p1, f));
    }
    for (; i < width; i += 4) {
      const int32_t here = width - i < 4 ? width - i : 4;
      const v128_t v = here == 4 ? load4(x + i) : load_some(x + i, here);
      const v128_t g = wasm_f32x4_mul(exp4(wasm_f32x4_sub(v, l)), f);
      if (here == 4) store4(dx + i, g);
      else store_some(dx + i, g, here);
    }
    if (target < width) dx[target] -= factor;
  }
}

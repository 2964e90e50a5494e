/* rms_norm: y = x * inverseRms * weight for each row, and inverseRms. Without a weight (0) only the scale. */
#include "../runtime/kernel.h"
#include "row-norm.h"

struct rms_norm_args {
  const float *x;
  const float *weight;
  float *y;
  float *inverse_rms;
  int32_t rows;
  int32_t width;
  float epsilon;
};

KERNEL(rms_norm) {
  const struct range r = part(a->rows, 1, thread, threads);
  const int32_t width = a->width;
  const float *weight = a->weight;
  const v128_t one = wasm_f32x4_const_splat(1);
  for (int32_t row = r.begin; row < r.end; row++) {
    const float *x = a->x + row * width;
    float *y = a->y + row * width;
    const float inverse = a->inverse_rms[row] = inverse_rms(x, width, a->epsilon);
    const v128_t scale = wasm_f32x4_splat(inverse);
    int32_t i = 0;
    for (; i + 4 <= width; i += 4) store4(y + i, normalized4(load4(x + i), scale, weight ? load4(weight + i) : one));
    const int32_t left = width - i;
    store_some(y + i, normalized4(load_some(x + i, left), scale, weight ? load_some(weight + i, left) : one), left);
  }
}

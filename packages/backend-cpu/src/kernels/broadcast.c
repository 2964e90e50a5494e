/*
 * broadcast: y [rows, width], f32. Leading: every row is x [width]. Last: row i is x[i], `width` times.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

struct broadcast_args {
  const float *x;
  float *y;
  int32_t rows;
  int32_t width;
  int32_t last;
};

static void fill_run(float *y, float value, int32_t n) {
  const v128_t v = wasm_f32x4_splat(value);
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) store4(y + i, v);
  store_some(y + i, v, n - i);
}

static void copy_run(float *y, const float *x, int32_t n) {
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const v128_t x0 = load4(x + i), x1 = load4(x + i + 4), x2 = load4(x + i + 8), x3 = load4(x + i + 12);
    store4(y + i, x0);
    store4(y + i + 4, x1);
    store4(y + i + 8, x2);
    store4(y + i + 12, x3);
  }
  for (; i + 4 <= n; i += 4) store4(y + i, load4(x + i));
  store_some(y + i, load_some(x + i, n - i), n - i);
}

KERNEL(broadcast) {
  const struct range r = part(a->rows * a->width, 16, thread, threads);
  int32_t row = r.begin / a->width, j = r.begin % a->width;
  for (int32_t i = r.begin; i < r.end; row++, j = 0) {
    const int32_t n = a->width - j < r.end - i ? a->width - j : r.end - i;
    if (a->last)
      fill_run(a->y + i, a->x[row], n);
    else
      copy_run(a->y + i, a->x + j, n);
    i += n;
  }
}

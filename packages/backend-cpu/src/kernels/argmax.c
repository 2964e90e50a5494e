/* argmax: index of the first largest element of each row; the first NaN counts as largest. */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"
#include "max.h"

struct argmax_args {
  const float *x;
  int32_t *y;
  int32_t rows;
  int32_t n;
};

/* Where x equals `wanted` first; a NaN is found where x is not equal to itself. */
static int32_t first_of(const float *x, int32_t n, float wanted) {
  const int nan = wanted != wanted;
  const v128_t target = wasm_f32x4_splat(wanted);
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const v128_t v = load4(x + i), found = nan ? wasm_f32x4_ne(v, v) : wasm_f32x4_eq(v, target);
    if (wasm_v128_any_true(found)) break;
  }
  while (i < n && !(nan ? x[i] != x[i] : x[i] == wanted)) i++;
  return i;
}

KERNEL(argmax) {
  const struct range r = part(a->rows, 1, thread, threads);
  for (int32_t row = r.begin; row < r.end; row++) {
    const float *x = a->x + row * a->n;
    a->y[row] = first_of(x, a->n, max_of(x, a->n));
  }
}

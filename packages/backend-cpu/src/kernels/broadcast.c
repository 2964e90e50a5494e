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

KERNEL(broadcast) {
  const struct range r = part(a->rows * a->width, 16, thread, threads);
  int32_t row = r.begin / a->width, j = r.begin % a->width;
  for (int32_t i = r.begin; i < r.end; row++, j = 0) {
    const int32_t n = a->width - j < r.end - i ? a->width - j : r.end - i;
    if (a->last)
      fill_floats(a->y + i, a->x[row], n);
    else
      copy_floats(a->y + i, a->x + j, n);
    i += n;
  }
}

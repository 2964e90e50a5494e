/* argmax: index of the first largest element of each row; the first NaN counts as largest. */
#include "../runtime/kernel.h"
#include "max.h"

struct argmax_args {
  const float *x;
  int32_t *y;
  int32_t rows;
  int32_t n;
};

KERNEL(argmax) {
  const struct range r = part(a->rows, 1, thread, threads);
  for (int32_t row = r.begin; row < r.end; row++) {
    const float *x = a->x + row * a->n;
    a->y[row] = first_of(x, a->n, max_of(x, a->n));
  }
}

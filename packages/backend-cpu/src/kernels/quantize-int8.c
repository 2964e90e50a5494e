/* quantize_int8: each row rounded to 255 levels of its largest magnitude. A row with NaN or infinity becomes NaN. */
#include "../runtime/kernel.h"
#include "row-int8.h"
#include "selection.h"

struct quantize_int8_args {
  const float *x;
  float *y;
  int32_t rows;
  int32_t width;
};

KERNEL(quantize_int8) {
  const struct range r = part(a->rows, 1, thread, threads);
  for (int32_t row = r.begin; row < r.end; row++) {
    const float *x = a->x + row * a->width;
    float *y = a->y + row * a->width;
    const int32_t largest = largest_magnitude(x, a->width);
    const struct levels levels = levels_of(largest < NOT_FINITE ? float_of(largest) : __builtin_nanf(""));
    int32_t i = 0;
    for (; i + 4 <= a->width; i += 4) store4(y + i, to_levels4(load4(x + i), levels));
    store_some(y + i, to_levels4(load_some(x + i, a->width - i), levels), a->width - i);
  }
}

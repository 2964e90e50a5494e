/* int8_embedding: rows of an int8 table by id, times their scale. A row whose id is outside the table becomes NaN. */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

struct int8_embedding_args {
  const int8_t *table;
  const float *scales;
  const int32_t *ids;
  float *y;
  int32_t rows;
  int32_t length;
  int32_t width;
};

KERNEL(int8_embedding) {
  const struct range r = part(a->rows, 1, thread, threads);
  const int32_t width = a->width;
  for (int32_t row = r.begin; row < r.end; row++) {
    const int32_t id = a->ids[row];
    float *y = a->y + row * width;
    if (id < 0 || id >= a->length) {
      fill_floats(y, __builtin_nanf(""), width);
      continue;
    }
    const int8_t *from = a->table + (size_t)id * (size_t)width;
    for (int32_t i = 0; i < width; i++) y[i] = (float)from[i] * a->scales[id];
  }
}

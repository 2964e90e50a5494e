/* embedding: rows of a table by id. A row whose id is outside the table becomes NaN; nothing outside it is read. */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

struct embedding_args {
  const float *table;
  const int32_t *ids;
  float *y;
  int32_t rows;
  int32_t length;
  int32_t width;
};

KERNEL(embedding) {
  const struct range r = part(a->rows, 1, thread, threads);
  const int32_t width = a->width;
  for (int32_t row = r.begin; row < r.end; row++) {
    const int32_t id = a->ids[row];
    float *y = a->y + row * width;
    if (id < 0 || id >= a->length) {
      for (int32_t i = 0; i < width; i++) y[i] = __builtin_nanf("");
      continue;
    }
    const float *x = a->table + id * width;
    int32_t i = 0;
    for (; i + 4 <= width; i += 4) store4(y + i, load4(x + i));
    for (; i < width; i++) y[i] = x[i];
  }
}

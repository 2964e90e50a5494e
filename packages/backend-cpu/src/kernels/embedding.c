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
      fill_floats(y, __builtin_nanf(""), width);
      continue;
    }
    copy_floats(y, a->table + id * width, width);
  }
}

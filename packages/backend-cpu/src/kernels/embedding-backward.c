/*
 * embedding_backward: into[ids[row]] += dy[row], rows in order; an id outside the table is skipped. Threads share the
 * columns, so that a row that many ids name is still summed in one order.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

struct embedding_backward_args {
  const float *dy;
  const int32_t *ids;
  float *into;
  int32_t rows;
  int32_t length;
  int32_t width;
};

KERNEL(embedding_backward) {
  const struct range columns = part(a->width, 16, thread, threads);
  const int32_t count = columns.end - columns.begin;
  if (count == 0) return;
  for (int32_t row = 0; row < a->rows; row++) {
    const int32_t id = a->ids[row];
    if (id < 0 || id >= a->length) continue;
    float *into = a->into + id * a->width + columns.begin;
    const float *dy = a->dy + row * a->width + columns.begin;
    int32_t i = 0;
    for (; i + 4 <= count; i += 4) store4(into + i, wasm_f32x4_add(load4(into + i), load4(dy + i)));
    for (; i < count; i++) into[i] += dy[i];
  }
}

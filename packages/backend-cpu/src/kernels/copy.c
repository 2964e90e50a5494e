/* copy: the bytes of x into another place of the same size; any dtype. The two do not overlap. */
#include "../runtime/kernel.h"

struct copy_args {
  uint8_t *into;
  const uint8_t *x;
  int32_t words;
  int32_t tail;
};

KERNEL(copy) {
  const struct range r = part(a->words, 16, thread, threads);
  __builtin_memcpy(a->into + (size_t)r.begin * 4, a->x + (size_t)r.begin * 4, (size_t)(r.end - r.begin) * 4);
  if (thread > 0) return;
  for (int32_t i = 0; i < a->tail; i++) a->into[(size_t)a->words * 4 + i] = a->x[(size_t)a->words * 4 + i];
}

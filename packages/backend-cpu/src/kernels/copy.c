/* copy: the bytes of x into another place of the same size; any dtype. The two do not overlap. */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

struct copy_args {
  float *into;
  const float *x;
  int32_t words;
  int32_t tail_bytes;
};

KERNEL(copy) {
  const struct range r = part(a->words, 16, thread, threads);
  copy_floats(a->into + r.begin, a->x + r.begin, r.end - r.begin);
  if (thread > 0) return;
  for (int32_t i = 0; i < a->tail_bytes; i++)
    ((uint8_t *)(a->into + a->words))[i] = ((const uint8_t *)(a->x + a->words))[i];
}

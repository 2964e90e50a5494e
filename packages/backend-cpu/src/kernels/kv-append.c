/* kv_append: cache[b, position_b + t] = x[b, t], rows of `width` floats. A token outside the cache is skipped. */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

struct kv_append_args {
  float *cache;
  const float *x;
  const int32_t *position;
  int32_t batch;
  int32_t tokens;
  int32_t length;
  int32_t width;
  int32_t position_step; /* 1: a position for each batch */
};

KERNEL(kv_append) {
  const struct range r = part(a->batch * a->tokens, 1, thread, threads);
  for (int32_t row = r.begin; row < r.end; row++) {
    const int32_t batch = row / a->tokens;
    const int64_t at = (int64_t)a->position[batch * a->position_step] + row % a->tokens;
    if (at < 0 || at >= a->length) continue;
    float *to = a->cache + (batch * a->length + (int32_t)at) * a->width;
    const float *from = a->x + row * a->width;
    copy_floats(to, from, a->width);
  }
}

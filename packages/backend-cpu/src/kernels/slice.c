/* slice: y = x[..., start : start + length, ...]; x points at the first element taken. Bytes, so every dtype. */
#include "blocks.h"

struct slice_args {
  const void *x;
  void *y;
  int32_t blocks;
  uint32_t bytes;
  uint32_t x_stride;
};

KERNEL(slice) { copy_blocks(a->y, a->x, a->blocks, a->bytes, a->bytes, a->x_stride, thread, threads); }

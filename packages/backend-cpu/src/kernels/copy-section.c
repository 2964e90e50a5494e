/* copy-section: into[..., start : start + length, ...] = x; `into` points at the first element written. Any dtype. */
#include "blocks.h"

struct copy_section_args {
  void *into;
  const void *x;
  int32_t blocks;
  uint32_t bytes;
  uint32_t into_stride;
};

KERNEL(copy_section) { copy_blocks(a->into, a->x, a->blocks, a->bytes, a->into_stride, a->bytes, thread, threads); }

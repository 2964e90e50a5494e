/*
 * Copies `blocks` runs of `bytes` bytes each, `from_stride` and `to_stride` bytes apart: what slice and copy-section
 * both are, for elements of any dtype. The runs must not overlap the source.
 */
#ifndef QSPARSE_BLOCKS_H
#define QSPARSE_BLOCKS_H

#include "../runtime/kernel.h"
#include "../runtime/simd.h"

/* A share ends inside a run only at multiples of this many bytes. */
#define PIECE_BYTES (32 << 10)

/* By hand: memory.copy may trap on a worker thread, see "runs of floats" in simd.h; and it is slow for a few words. */
static inline void copy_bytes(char *to, const char *from, uint32_t bytes) {
  uint32_t i = 0;
  for (; i + 64 <= bytes; i += 64) {
    const v128_t v0 = wasm_v128_load(from + i), v1 = wasm_v128_load(from + i + 16);
    const v128_t v2 = wasm_v128_load(from + i + 32), v3 = wasm_v128_load(from + i + 48);
    wasm_v128_store(to + i, v0);
    wasm_v128_store(to + i + 16, v1);
    wasm_v128_store(to + i + 32, v2);
    wasm_v128_store(to + i + 48, v3);
  }
  for (; i + 16 <= bytes; i += 16) wasm_v128_store(to + i, wasm_v128_load(from + i));
  for (; i + 4 <= bytes; i += 4) wasm_v128_store32_lane(to + i, wasm_v128_load32_zero(from + i), 0);
  for (; i < bytes; i++) to[i] = from[i];
}

static inline void copy_blocks(char *to, const char *from, int32_t blocks, uint32_t bytes, uint32_t to_stride,
                               uint32_t from_stride, int thread, int threads) {
  const int32_t pieces = (int32_t)((bytes + PIECE_BYTES - 1) / PIECE_BYTES);
  const struct range r = part(blocks * pieces, 1, thread, threads);
  int32_t block = r.begin / pieces, piece = r.begin % pieces;
  for (int32_t i = r.begin; i < r.end; i++) {
    const uint32_t first = (uint32_t)piece * PIECE_BYTES;
    copy_bytes(to + (uint32_t)block * to_stride + first, from + (uint32_t)block * from_stride + first,
               bytes - first < PIECE_BYTES ? bytes - first : PIECE_BYTES);
    if (++piece == pieces) {
      piece = 0;
      block++;
    }
  }
}

#endif

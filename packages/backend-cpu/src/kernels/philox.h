/* Philox4x32-10 for random.c and sample.c: the generator of packages/core/src/philox.ts. */
#ifndef QSPARSE_PHILOX_H
#define QSPARSE_PHILOX_H

#include "../runtime/kernel.h"
#include "../runtime/simd.h"

/* Replaces the 128-bit counter by four random words. */
static inline void philox(uint32_t c[4], const uint32_t key[2]) {
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    const uint64_t p0 = (uint64_t)0xd2511f53u * c[0], p1 = (uint64_t)0xcd9e8d57u * c[2];
    c[0] = (uint32_t)(p1 >> 32) ^ c[1] ^ k0;
    c[1] = (uint32_t)p1;
    c[2] = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
    c[3] = (uint32_t)p0;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
}

#endif

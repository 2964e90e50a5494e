/** Philox4x32-10 for random.cu and sample.cu: the generator of packages/core/src/philox.ts, word for word. */
#pragma once
#include "device.cuh"

struct PhiloxWords {
  u32 at[4];
};

/** The four words at `offset` blocks after a state [seed low, seed high, stream, counter]. */
DEVICE PhiloxWords philox(const int* state, u32 offset) {
  u32 k0 = state[0], k1 = state[1];
  u32 c0 = state[3] + offset, c1 = 0, c2 = state[2], c3 = 0;
  for (int round = 0; round < 10; round++) {
    const u64 p0 = static_cast<u64>(0xd2511f53u) * c0, p1 = static_cast<u64>(0xcd9e8d57u) * c2;
    c0 = static_cast<u32>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<u32>(p1);
    c2 = static_cast<u32>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<u32>(p0);
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  return {{c0, c1, c2, c3}};
}

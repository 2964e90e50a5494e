/*
 * random: into[i] = uniform number i of a stream, in [0, 1) with 24 bits. Philox4x32-10 (Salmon et al., "Parallel
 * random numbers: as easy as 1, 2, 3", SC 2011), word for word as packages/core/src/philox.ts; state = [seed low,
 * seed high, stream, counter], the counter in blocks of four numbers.
 */
#include "philox.h"

struct random_args {
  float *into;
  const int32_t *state;
  int32_t count;
};

KERNEL(random) {
  const struct range r = part(a->count, 16, thread, threads);
  const uint32_t key[2] = {(uint32_t)a->state[0], (uint32_t)a->state[1]};
  const uint32_t stream = (uint32_t)a->state[2], counter = (uint32_t)a->state[3];
  for (int32_t i = r.begin; i < r.end; i += 4) {
    uint32_t words[4] = {counter + (uint32_t)i / 4, 0, stream, 0};
    philox(words, key);
    const v128_t bits = wasm_u32x4_shr(wasm_v128_load(words), 8);
    const v128_t numbers = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(bits), wasm_f32x4_const_splat(0x1p-24f));
    if (i + 4 <= r.end)
      store4(a->into + i, numbers);
    else
      store_some(a->into + i, numbers, r.end - i);
  }
}

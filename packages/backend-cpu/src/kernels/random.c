/*
 * random: numbers of a Philox4x32-10 stream (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), word
 * for word as packages/core/src/philox.ts; state = [seed low, seed high, stream, counter]. Uniform: number i is word i % 4
 * of block i / 4, 24 bits of it, times factor · 2^-24. Normal: block i, (2 · the sum of its eight 16-bit halves - 524280)
 * times factor. Whole numbers but for the last product.
 */
#include "philox.h"

struct random_args {
  float *into;
  const int32_t *state;
  int32_t count;
  int32_t normal;
  float factor;
};

static inline float normal_number(const uint32_t words[4], float factor) {
  int32_t sum = 0;
  for (int i = 0; i < 4; i++) sum += (int32_t)(words[i] & 0xffff) + (int32_t)(words[i] >> 16);
  return (float)(2 * sum - 524280) * factor;
}

KERNEL(random) {
  const struct range r = part(a->count, 16, thread, threads);
  const uint32_t key[2] = {(uint32_t)a->state[0], (uint32_t)a->state[1]};
  const uint32_t stream = (uint32_t)a->state[2], counter = (uint32_t)a->state[3];
  if (a->normal) {
    for (int32_t i = r.begin; i < r.end; i++) {
      uint32_t words[4] = {counter + (uint32_t)i, 0, stream, 0};
      philox(words, key);
      a->into[i] = normal_number(words, a->factor);
    }
    return;
  }
  const v128_t factor = wasm_f32x4_splat(a->factor);
  for (int32_t i = r.begin; i < r.end; i += 4) {
    uint32_t words[4] = {counter + (uint32_t)i / 4, 0, stream, 0};
    philox(words, key);
    const v128_t bits = wasm_u32x4_shr(wasm_v128_load(words), 8);
    const v128_t uniform = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(bits), wasm_f32x4_const_splat(0x1p-24f));
    const v128_t numbers = wasm_f32x4_mul(uniform, factor);
    if (i + 4 <= r.end)
      store4(a->into + i, numbers);
    else
      store_some(a->into + i, numbers, r.end - i);
  }
}

/*
 * rope: turns the pairs of each head by the cosines and sines of the token's row of `table` [length][size / 2][2].
 * Pairs are (i, i + size / 2), or neighbours when `interleaved`. A token whose position is outside the table becomes
 * NaN. `sign` -1 turns backwards.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"
#include "rope.h"

struct rope_args {
  const float *x;
  const float *table;
  const int32_t *position;
  float *y;
  int32_t rows;
  int32_t tokens;
  int32_t heads;
  int32_t size;
  int32_t length;
  int32_t interleaved;
  int32_t batch_rows;
  int32_t position_step; /* 1: a position for each batch */
  float sign;
};

void turn_halves(const float *x, const float *table, float *y, int32_t heads, int32_t size, float sign) {
  const int32_t half = size / 2;
  const v128_t s = wasm_f32x4_splat(sign);
  int32_t i = 0;
  for (; i + 4 <= half; i += 4) {
    const v128_t t0 = load4(table + 2 * i), t1 = load4(table + 2 * i + 4);
    const v128_t cosine = wasm_i32x4_shuffle(t0, t1, 0, 2, 4, 6);
    const v128_t sine = wasm_f32x4_mul(wasm_i32x4_shuffle(t0, t1, 1, 3, 5, 7), s);
    for (int32_t h = 0, at = i; h < heads; h++, at += size) {
      const v128_t first = load4(x + at), second = load4(x + at + half);
      store4(y + at, nmadd(second, sine, wasm_f32x4_mul(first, cosine)));
      store4(y + at + half, madd(first, sine, wasm_f32x4_mul(second, cosine)));
    }
  }
  for (; i < half; i++) {
    const float cosine = table[2 * i], sine = table[2 * i + 1] * sign;
    for (int32_t h = 0, at = i; h < heads; h++, at += size) {
      const float first = x[at], second = x[at + half];
      y[at] = first * cosine - second * sine;
      y[at + half] = first * sine + second * cosine;
    }
  }
}

/* x, table and the result as [first, second, first, second]; table: [cos, sin, cos, sin]. */
static inline v128_t turn_neighbours(v128_t x, v128_t table, v128_t sign) {
  const v128_t cosine = wasm_i32x4_shuffle(table, table, 0, 0, 2, 2);
  const v128_t sine = wasm_f32x4_mul(wasm_i32x4_shuffle(table, table, 1, 1, 3, 3), sign);
  return madd(wasm_i32x4_shuffle(x, x, 1, 0, 3, 2), sine, wasm_f32x4_mul(x, cosine));
}

static void interleaved(const float *x, const float *table, float *y, int32_t heads, int32_t size, float sign) {
  const v128_t signs = wasm_f32x4_make(-sign, sign, -sign, sign);
  for (int32_t h = 0; h < heads; h++, x += size, y += size) {
    int32_t i = 0;
    for (; i + 4 <= size; i += 4) store4(y + i, turn_neighbours(load4(x + i), load4(table + i), signs));
    store_some(y + i, turn_neighbours(load_some(x + i, size - i), load_some(table + i, size - i), signs), size - i);
  }
}

KERNEL(rope) {
  const struct range r = part(a->rows, 1, thread, threads);
  const int32_t row = a->heads * a->size;
  for (int32_t token = r.begin; token < r.end; token++) {
    const int64_t start = a->position ? a->position[token / a->batch_rows * a->position_step] : 0;
    const int64_t at = start + token % a->tokens;
    const float *x = a->x + token * row;
    float *y = a->y + token * row;
    if (at < 0 || at >= a->length) {
      fill_floats(y, __builtin_nanf(""), row);
      continue;
    }
    const float *table = a->table + (int32_t)at * a->size;
    if (a->interleaved) interleaved(x, table, y, a->heads, a->size, a->sign);
    else turn_halves(x, table, y, a->heads, a->size, a->sign);
  }
}

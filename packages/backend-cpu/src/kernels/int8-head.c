/*
 * int8_head: y = scales * (x tableT) for an int8 table. A row of x is rounded to 16-bit levels of its largest magnitude, so
 * that products are those of integers; threads share the rows of the table, four at a time.
 */
#include "../runtime/kernel.h"
#include "selection.h"

#define LEVELS 16383 /* so that the sums of PIECE products fit 32 bits: PIECE / 4 * 127 * 16383 < 2^31 */
#define PIECE 4096
#define TABLE_ROWS 4

struct int8_head_args {
  const float *x;
  const int8_t *table;
  const float *scales;
  float *y;
  int32_t rows;
  int32_t width;
  int32_t length;
};

/* What a level stands for; NaN for a row that is not finite, whose levels are 0. */
static float write_levels(const float *x, int16_t *levels, int32_t n) {
  const int32_t largest = largest_magnitude(x, n);
  if (largest >= NOT_FINITE || largest == 0) {
    for (int32_t i = 0; i < n; i++) levels[i] = 0;
    return largest >= NOT_FINITE ? __builtin_nanf("") : 0;
  }
  const float step = float_of(largest) / LEVELS;
  /* Subnormal rows: a step of 0 would divide by it. */
  const v128_t inverse = wasm_f32x4_splat(step > 0 ? 1 / step : 0);
  const v128_t most = wasm_f32x4_const_splat(LEVELS), least = wasm_f32x4_const_splat(-LEVELS);
  for (int32_t i = 0; i < n; i += 4) {
    const v128_t four = n - i >= 4 ? load4(x + i) : load_some(x + i, n - i);
    const v128_t level = wasm_f32x4_nearest(wasm_f32x4_mul(four, inverse));
    const v128_t whole = wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_pmax(wasm_f32x4_pmin(level, most), least));
    const v128_t narrow = wasm_i16x8_narrow_i32x4(whole, whole);
    if (n - i >= 4) wasm_v128_store64_lane(levels + i, narrow, 0);
    else
      for (int32_t lane = 0; lane < n - i; lane++) levels[i + lane] = ((const int16_t *)&narrow)[lane];
  }
  return step;
}

/* sums[r] += products of `n` entries with TABLE_ROWS rows of the table, `stride` apart. */
static void add_products(const int16_t *x, const int8_t *table, size_t stride, int32_t n, float *sums) {
  v128_t sum[TABLE_ROWS];
  for (int32_t r = 0; r < TABLE_ROWS; r++) sum[r] = wasm_i32x4_const_splat(0);
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const v128_t left = wasm_v128_load(x + i), right = wasm_v128_load(x + i + 8);
#pragma unroll
    for (int32_t r = 0; r < TABLE_ROWS; r++) {
      const int8_t *row = table + (size_t)r * stride + i;
      sum[r] = wasm_i32x4_add(sum[r], wasm_i32x4_dot_i16x8(left, wasm_i16x8_load8x8(row)));
      sum[r] = wasm_i32x4_add(sum[r], wasm_i32x4_dot_i16x8(right, wasm_i16x8_load8x8(row + 8)));
    }
  }
  for (int32_t r = 0; r < TABLE_ROWS; r++) {
    int32_t rest = 0;
    for (int32_t j = i; j < n; j++) rest += x[j] * table[(size_t)r * stride + (size_t)j];
    sums[r] += sum4(wasm_f32x4_convert_i32x4(sum[r])) + (float)rest;
  }
}

KERNEL(int8_head) {
  const struct range mine = part(a->length, TABLE_ROWS, thread, threads);
  const int32_t width = a->width;
  const size_t stride = (size_t)width;
  int16_t *levels = thread_scratch(thread);
  for (int32_t row = 0; row < a->rows; row++) {
    const float step = write_levels(a->x + row * width, levels, width);
    float *y = a->y + (size_t)row * (size_t)a->length;
    for (int32_t first = mine.begin; first < mine.end; first += TABLE_ROWS) {
      float sums[TABLE_ROWS] = {0};
      const int32_t n = mine.end - first < TABLE_ROWS ? mine.end - first : TABLE_ROWS;
      const int8_t *table = a->table + (size_t)first * stride;
      for (int32_t i = 0; i < width; i += PIECE) {
        const int32_t here = width - i < PIECE ? width - i : PIECE;
        /* The last rows of a table: the same one again where there is none. */
        if (n == TABLE_ROWS) add_products(levels + i, table + i, stride, here, sums);
        else
          for (int32_t r = 0; r < n; r++) {
            float alone[TABLE_ROWS] = {0};
            add_products(levels + i, table + (size_t)r * stride + i, 0, here, alone);
            sums[r] += alone[0];
          }
      }
      for (int32_t r = 0; r < n; r++) y[first + r] = sums[r] * (step * a->scales[first + r]);
    }
  }
}

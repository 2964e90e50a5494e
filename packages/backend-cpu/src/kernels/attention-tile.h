/*
 * The pieces that attention and its backward are made of: packed operands, three matrix products over them, and the
 * exponential. Not a kernel; knows nothing of batches and groups beyond how to find a row.
 *
 * Every operand is a tile of rows that are STRIDE floats apart, so that the inner loops need one pointer an operand.
 * Wider ones are cut into tiles of STRIDE columns, one after the other.
 *
 * The query heads that share a key head are rows of one matrix, so that a key tile is packed once for all of them:
 * row r of a batch and group is head r % per_group of token r / per_group.
 */
#ifndef QSPARSE_ATTENTION_TILE_H
#define QSPARSE_ATTENTION_TILE_H

#include "../runtime/simd.h"

#define STRIDE 64 /* floats from row to row in a tile, and its most columns */
#define STRIP 6   /* rows of a register tile */
#define LANES 8   /* columns of a register tile */
#define LOG2_E 1.4426950408889634f
#define LOWEST (-3.402823466e38f) /* a maximum over nothing: finite, so that a difference to it is no NaN */

static inline int32_t round_up(int32_t n, int32_t multiple) { return (n + multiple - 1) / multiple * multiple; }

static inline int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

static inline int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }

/* Tiles of STRIDE columns that an operand with so many columns takes. */
static inline int32_t tiles_across(int32_t columns) { return (columns + STRIDE - 1) / STRIDE; }

/* ---- math ---- */

/* 2^x for x <= 0.5, relative error 2e-7; 0 below -126.5, so that a masked score of -infinity gives 0. NaN stays. */
static inline v128_t exp2_4(v128_t x) {
  const v128_t magic = wasm_f32x4_const_splat(12582912.0f + 127.0f); /* rounds to an integer, biased as an exponent */
  x = wasm_f32x4_pmax(x, wasm_f32x4_const_splat(-127.0f));
  const v128_t t = wasm_f32x4_add(x, magic);
  const v128_t f = wasm_f32x4_sub(x, wasm_f32x4_sub(t, magic));
  v128_t p = wasm_f32x4_const_splat(1.3264727247e-3f);
  p = madd(p, f, wasm_f32x4_const_splat(9.6715126881e-3f));
  p = madd(p, f, wasm_f32x4_const_splat(5.5507337436e-2f));
  p = madd(p, f, wasm_f32x4_const_splat(2.4022242085e-1f));
  p = madd(p, f, wasm_f32x4_const_splat(6.9314697760e-1f));
  p = madd(p, f, wasm_f32x4_const_splat(1.0f));
  return wasm_f32x4_mul(p, wasm_i32x4_shl(t, 23));
}

/* log(2^max * sum): the log-sum-exp of scores in units of log 2, whose weights under `max` add up to sum > 0. */
static inline float log_sum(float max, float sum) {
  return max / LOG2_E + wasm_f32x4_extract_lane(log4(wasm_f32x4_splat(sum)), 0);
}

/* ---- rows ---- */

/* Where the rows of a batch and group are in a tensor [B, tokens, heads, size]. */
struct rows {
  float *first;
  int32_t per_group, token_stride, size;
};

static inline float *row_at(const struct rows *rows, int32_t row) {
  const int32_t token = row / rows->per_group;
  return rows->first + token * rows->token_stride + (row - token * rows->per_group) * rows->size;
}

/* Keys begin .. end - 1; begin == end for none. */
struct seen {
  int32_t begin, end;
};

/*
 * The query at `position` sees the last `window` (0: all) of the keys up to its own, of `keys` that there are, but none
 * before `first`.
 */
static inline struct seen keys_seen(int64_t position, int32_t keys, int32_t window, int32_t first) {
  const int64_t end = position + 1 < 0 ? 0 : position + 1 < keys ? position + 1 : keys;
  int64_t begin = window > 0 && position + 1 > window ? position + 1 - window : 0;
  if (begin < first) begin = first;
  if (begin > end) begin = end;
  return (struct seen){(int32_t)begin, (int32_t)end};
}

/* ---- packing ---- */

/* One row into tiles of `height` rows, times `factor`, zeros up to a multiple of LANES columns. */
static inline void pack_row(float *to, int32_t height, const float *from, int32_t columns, float factor) {
  const v128_t f = wasm_f32x4_splat(factor);
  for (int32_t c = 0; c < columns; c += STRIDE, to += height * STRIDE, from += STRIDE) {
    const int32_t here = smaller(columns - c, STRIDE);
    int32_t i = 0;
    for (; i + LANES <= here; i += LANES) {
      store4(to + i, wasm_f32x4_mul(load4(from + i), f));
      store4(to + i + 4, wasm_f32x4_mul(load4(from + i + 4), f));
    }
    if (i == here) continue;
    store4(to + i, wasm_f32x4_mul(here - i >= 4 ? load4(from + i) : load_some(from + i, here - i), f));
    store4(to + i + 4, wasm_f32x4_mul(load_some(from + i + 4, here - i - 4), f));
  }
}

/* Rows to lanes: v[i] lane j = v[j] lane i. */
static inline void transpose4(v128_t v[4]) {
  const v128_t a = wasm_i32x4_shuffle(v[0], v[1], 0, 4, 1, 5), b = wasm_i32x4_shuffle(v[2], v[3], 0, 4, 1, 5);
  const v128_t c = wasm_i32x4_shuffle(v[0], v[1], 2, 6, 3, 7), d = wasm_i32x4_shuffle(v[2], v[3], 2, 6, 3, 7);
  v[0] = wasm_i64x2_shuffle(a, b, 0, 2);
  v[1] = wasm_i64x2_shuffle(a, b, 1, 3);
  v[2] = wasm_i64x2_shuffle(c, d, 0, 2);
  v[3] = wasm_i64x2_shuffle(c, d, 1, 3);
}

/* Up to STRIDE rows, `stride` apart, as the columns of a tile, times `factor`; zeros up to a multiple of LANES. */
static inline void pack_transposed(float *to, const float *from, int32_t stride, int32_t count, int32_t columns,
                                   float factor) {
  const v128_t f = wasm_f32x4_splat(factor), zero = wasm_f32x4_const_splat(0);
  for (int32_t r = 0; r < round_up(count, LANES); r += 4) {
    const float *source = from + r * stride;
    int32_t c = 0;
    if (count - r >= 4)
      for (; c + 4 <= columns; c += 4) {
        v128_t v[4] = {load4(source + c), load4(source + stride + c), load4(source + 2 * stride + c),
                       load4(source + 3 * stride + c)};
        transpose4(v);
        for (int32_t i = 0; i < 4; i++) store4(to + (c + i) * STRIDE + r, wasm_f32x4_mul(v[i], f));
      }
    for (; c < columns; c++) {
      v128_t v = zero;
      if (r < count) v = wasm_v128_load32_lane(source + c, v, 0);
      if (r + 1 < count) v = wasm_v128_load32_lane(source + stride + c, v, 1);
      if (r + 2 < count) v = wasm_v128_load32_lane(source + 2 * stride + c, v, 2);
      if (r + 3 < count) v = wasm_v128_load32_lane(source + 3 * stride + c, v, 3);
      store4(to + c * STRIDE + r, wasm_f32x4_mul(v, f));
    }
  }
}

/* ---- products: 6 x 8 outputs from `depth` steps ---- */

/*
 * Twelve sums hide the latency of the fused multiply-add and, with two of b and one of a, are just the 15 registers
 * that V8 gives out: any unrolling or inlining makes it spill them, at half the speed.
 */
static inline __attribute__((always_inline)) void products(const float *a, int32_t row, int32_t step, const float *b,
                                                           int32_t depth, float *out, int add) {
  v128_t sum[STRIP][2];
#pragma clang loop unroll(full)
  for (int32_t i = 0; i < STRIP; i++) {
    sum[i][0] = add ? load4(out + i * STRIDE) : wasm_f32x4_const_splat(0);
    sum[i][1] = add ? load4(out + i * STRIDE + 4) : wasm_f32x4_const_splat(0);
  }
  const float *const end = b + depth * STRIDE;
#pragma clang loop unroll(disable)
  for (; b != end; a += step, b += STRIDE) {
    const v128_t b0 = load4(b), b1 = load4(b + 4);
#pragma clang loop unroll(full)
    for (int32_t i = 0; i < STRIP; i++) {
      const v128_t factor = wasm_v128_load32_splat(a + i * row);
      sum[i][0] = madd(factor, b0, sum[i][0]);
      sum[i][1] = madd(factor, b1, sum[i][1]);
    }
  }
#pragma clang loop unroll(full)
  for (int32_t i = 0; i < STRIP; i++) {
    store4(out + i * STRIDE, sum[i][0]);
    store4(out + i * STRIDE + 4, sum[i][1]);
  }
}

#define NEVER_INLINE static __attribute__((noinline, unused))

/* out = a b: row i of a begins at a + i * STRIDE. */
NEVER_INLINE void set_products(const float *a, const float *b, int32_t depth, float *out) {
  products(a, STRIDE, 1, b, depth, out, 0);
}

/* out += a b */
NEVER_INLINE void add_products(const float *a, const float *b, int32_t depth, float *out) {
  products(a, STRIDE, 1, b, depth, out, 1);
}

/* out += aᵀ b: column i of a begins at a + i. */
NEVER_INLINE void add_transposed_products(const float *a, const float *b, int32_t depth, float *out) {
  products(a, 1, STRIDE, b, depth, out, 1);
}

/* out [STRIP][LANES] = a strip of a left operand in tiles of `height` rows, times a transposed right one. */
static inline void score_products(const float *left, int32_t height, int32_t columns, const float *right, float *out) {
  set_products(left, right, smaller(columns, STRIDE), out);
  for (int32_t c = STRIDE; c < columns; c += STRIDE)
    add_products(left + c * height, right + c * STRIDE, smaller(columns - c, STRIDE), out);
}

#endif

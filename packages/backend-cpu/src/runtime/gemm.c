/*
 * Blocks of A and B are packed into panels of 6 rows and 8 columns, so that the inner loop reads both in sequence; it
 * keeps a 6 x 8 tile of C in 12 registers. Twelve sums hide the latency of the fused multiply-add, and with two of B and
 * one of A they are just the 15 registers that V8 gives out. The inner loop must not be unrolled: V8 then spills.
 */
#include "gemm.h"
#include "kernel.h"
#include "simd.h"

#define KC 256 /* depth of a block: a panel of each operand fits in the first cache */
#define MC 96  /* rows of a packed block of A */
#define NC 640 /* columns of a packed block of B; both blocks fit in a second cache of 1 MiB */
#define WIDE 4 /* panels that are packed at once where that saves cache misses */

_Static_assert((MC + NC) * KC * sizeof(float) <= THREAD_SCRATCH_BYTES, "the packed blocks must fit");
_Static_assert(MC % MR == 0 && NC % NR == 0, "blocks hold whole panels");

#define INLINE static inline __attribute__((always_inline))

static inline int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

/* ---- packing ---- */

INLINE void transpose4(v128_t r[4]) {
  const v128_t a = wasm_i32x4_shuffle(r[0], r[1], 0, 4, 1, 5), b = wasm_i32x4_shuffle(r[0], r[1], 2, 6, 3, 7);
  const v128_t c = wasm_i32x4_shuffle(r[2], r[3], 0, 4, 1, 5), d = wasm_i32x4_shuffle(r[2], r[3], 2, 6, 3, 7);
  r[0] = wasm_i64x2_shuffle(a, c, 0, 2);
  r[1] = wasm_i64x2_shuffle(a, c, 1, 3);
  r[2] = wasm_i64x2_shuffle(b, d, 0, 2);
  r[3] = wasm_i64x2_shuffle(b, d, 1, 3);
}

/*
 * One panel: to[p * width + i] = from[i * line + p] for p < depth, i < width; the lines of `from` run along the depth.
 * Returns the end of the panel.
 */
INLINE float *pack_lines(const float *from, int32_t line, int32_t depth, int32_t width, float *to) {
  int32_t p = 0;
  for (; p + 4 <= depth; p += 4, to += 4 * width) {
    int32_t i = 0;
    for (; i + 4 <= width; i += 4) {
      v128_t r[4];
      for (int32_t q = 0; q < 4; q++) r[q] = load4(from + (i + q) * line + p);
      transpose4(r);
      for (int32_t q = 0; q < 4; q++) store4(to + q * width + i, r[q]);
    }
    if (i + 2 <= width) {
      const v128_t r0 = load4(from + i * line + p), r1 = load4(from + (i + 1) * line + p);
      const v128_t low = wasm_i32x4_shuffle(r0, r1, 0, 4, 1, 5), high = wasm_i32x4_shuffle(r0, r1, 2, 6, 3, 7);
      wasm_v128_store64_lane(to + i, low, 0);
      wasm_v128_store64_lane(to + width + i, low, 1);
      wasm_v128_store64_lane(to + 2 * width + i, high, 0);
      wasm_v128_store64_lane(to + 3 * width + i, high, 1);
      i += 2;
    }
    if (i < width)
      for (int32_t q = 0; q < 4; q++) to[q * width + i] = from[i * line + p + q];
  }
  for (; p < depth; p++, to += width)
    for (int32_t i = 0; i < width; i++) to[i] = from[i * line + p];
  return to;
}

/* One panel: to[p * width + i] = from[p * line + i]; the lines of `from` run across the panel. */
INLINE float *pack_across(const float *from, int32_t line, int32_t depth, int32_t width, float *to) {
  for (int32_t p = 0; p < depth; p++, from += line, to += width) {
    int32_t i = 0;
    for (; i + 4 <= width; i += 4) store4(to + i, load4(from + i));
    if (i + 2 <= width) {
      wasm_v128_store64_lane(to + i, wasm_v128_load64_zero(from + i), 0);
      i += 2;
    }
    if (i < width) to[i] = from[i];
  }
  return to;
}

/*
 * `panels` full panels of `width` columns at once, for an operand whose rows run across them. The rows are often a power
 * of two apart, so that all fall into one set of the first cache: what is not taken from a cache line at once is gone
 * when the next panel comes.
 */
INLINE float *pack_panels_across(int32_t panels, const float *from, int32_t line, int32_t depth, int32_t width, float *to) {
  for (int32_t p = 0; p < depth; p++, from += line, to += width)
    for (int32_t panel = 0; panel < panels; panel++) {
      float *out = to + panel * depth * width;
      const float *in = from + panel * width;
      store4(out, load4(in));
      if (width == 8) store4(out + 4, load4(in + 4));
      else wasm_v128_store64_lane(out + 4, wasm_v128_load64_zero(in + 4), 0);
    }
  return to + (panels - 1) * depth * width;
}

static float *pack_wide_a(const float *from, int32_t line, int32_t depth, float *to) {
  return pack_panels_across(WIDE, from, line, depth, MR, to);
}

static float *pack_wide_b(const float *from, int32_t line, int32_t depth, float *to) {
  return pack_panels_across(WIDE, from, line, depth, NR, to);
}

static float *pack_panel_a(const float *from, int32_t row, int32_t column, int32_t depth, int32_t width, float *to) {
  if (width == MR) return column == 1 ? pack_lines(from, row, depth, MR, to) : pack_across(from, column, depth, MR, to);
  return column == 1 ? pack_lines(from, row, depth, width, to) : pack_across(from, column, depth, width, to);
}

/* Columns at and above `width` are packed as zeros: the tile code always multiplies 8 columns. */
static float *pack_panel_b(const float *from, int32_t row, int32_t column, int32_t depth, int32_t width, float *to) {
  if (width == NR) return row == 1 ? pack_lines(from, column, depth, NR, to) : pack_across(from, row, depth, NR, to);
  for (int32_t p = 0; p < depth; p++, to += NR)
    for (int32_t j = 0; j < NR; j++) to[j] = j < width ? from[p * row + j * column] : 0;
  return to;
}

/* ---- the tile ---- */

/*
 * product[i][j] = a packed panel of `rows` rows times one of 8 columns. The product goes to a small buffer and not to C:
 * with addresses that depend on a stride after the loop, V8 (Node 20 and 22) spills sums inside the loop.
 */
INLINE void tile(int32_t rows, const float *a, const float *b, int32_t depth, float *product) {
  v128_t sum[MR][2];
#pragma clang loop unroll(full)
  for (int32_t i = 0; i < rows; i++) sum[i][0] = sum[i][1] = wasm_f32x4_const_splat(0);
  const float *const end = a + depth * rows;
#pragma clang loop unroll(disable)
  for (; a != end; a += rows, b += NR) {
    const v128_t b0 = load4(b), b1 = load4(b + 4);
#pragma clang loop unroll(full)
    for (int32_t i = 0; i < rows; i++) {
      const v128_t ai = wasm_v128_load32_splat(a + i);
      sum[i][0] = madd(ai, b0, sum[i][0]);
      sum[i][1] = madd(ai, b1, sum[i][1]);
    }
  }
#pragma clang loop unroll(full)
  for (int32_t i = 0; i < rows; i++) {
    store4(product + i * NR, sum[i][0]);
    store4(product + i * NR + 4, sum[i][1]);
  }
}

#define TILE(rows)                                                                                         \
  static __attribute__((noinline)) void tile##rows(const float *a, const float *b, int32_t depth, float *product) { \
    tile(rows, a, b, depth, product);                                                                      \
  }
TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)

/* C (=|+=) the product, for the rows and columns that C has. */
static void put_tile(const float *product, int32_t rows, int32_t columns, float *c, int32_t c_row, int32_t accumulate) {
  for (int32_t i = 0; i < rows; i++, product += NR, c += c_row) {
    if (columns == NR) {
      const v128_t p0 = load4(product), p1 = load4(product + 4);
      store4(c, accumulate ? wasm_f32x4_add(load4(c), p0) : p0);
      store4(c + 4, accumulate ? wasm_f32x4_add(load4(c + 4), p1) : p1);
    } else {
      for (int32_t j = 0; j < columns; j++) c[j] = accumulate ? c[j] + product[j] : product[j];
    }
  }
}

static void multiply_panels(const float *a, const float *b, int32_t depth, int32_t rows, int32_t columns, float *c,
                            int32_t c_row, int32_t accumulate) {
  float product[MR * NR];
  switch (rows) {
    case 1: tile1(a, b, depth, product); break;
    case 2: tile2(a, b, depth, product); break;
    case 3: tile3(a, b, depth, product); break;
    case 4: tile4(a, b, depth, product); break;
    case 5: tile5(a, b, depth, product); break;
    default: tile6(a, b, depth, product);
  }
  put_tile(product, rows, columns, c, c_row, accumulate);
}

/* ---- the blocks ---- */

/* All tiles of one packed block of A (m rows) and one of B (n columns): a panel of A stays in the first cache. */
static void multiply_blocks(const float *a, const float *b, int32_t m, int32_t n, int32_t depth, float *c,
                            int32_t c_row, int32_t accumulate) {
  for (int32_t i = 0; i < m; i += MR)
    for (int32_t j = 0; j < n; j += NR)
      multiply_panels(a + i * depth, b + j * depth, depth, least(MR, m - i), least(NR, n - j), c + i * c_row + j, c_row,
                      accumulate);
}

static void pack_a(const struct gemm *g, struct range rows, struct range depth, float *to) {
  const float *from = g->a + rows.begin * g->a_row + depth.begin * g->a_column;
  const int32_t k = depth.end - depth.begin;
  int32_t left = rows.end - rows.begin;
  if (g->a_row == 1)
    for (; left >= WIDE * MR; left -= WIDE * MR, from += WIDE * MR) to = pack_wide_a(from, g->a_column, k, to);
  for (; left > 0; left -= MR, from += MR * g->a_row)
    to = pack_panel_a(from, g->a_row, g->a_column, k, least(MR, left), to);
}

static void pack_b(const struct gemm *g, struct range depth, struct range columns, float *to) {
  const float *from = g->b + depth.begin * g->b_row + columns.begin * g->b_column;
  const int32_t k = depth.end - depth.begin;
  int32_t left = columns.end - columns.begin;
  if (g->b_column == 1)
    for (; left >= WIDE * NR; left -= WIDE * NR, from += WIDE * NR) to = pack_wide_b(from, g->b_row, k, to);
  for (; left > 0; left -= NR, from += NR * g->b_column)
    to = pack_panel_b(from, g->b_row, g->b_column, k, least(NR, left), to);
}

static inline int32_t blocks_of(int32_t n, int32_t size) { return (n + size - 1) / size; }

void gemm(const struct gemm *g, void *scratch) {
  float *const packed_b = scratch, *const packed_a = packed_b + KC * NC;
  const int32_t m_blocks = blocks_of(g->m, MC), n_blocks = blocks_of(g->n, NC), k_blocks = blocks_of(g->k, KC);
  for (int32_t nb = 0; nb < n_blocks; nb++) {
    const struct range columns = part(g->n, NR, nb, n_blocks);
    for (int32_t kb = 0; kb < k_blocks; kb++) {
      const struct range depth = part(g->k, 4, kb, k_blocks);
      pack_b(g, depth, columns, packed_b);
      for (int32_t mb = 0; mb < m_blocks; mb++) {
        const struct range rows = part(g->m, MR, mb, m_blocks);
        pack_a(g, rows, depth, packed_a);
        multiply_blocks(packed_a, packed_b, rows.end - rows.begin, columns.end - columns.begin, depth.end - depth.begin,
                        g->c + rows.begin * g->c_row + columns.begin, g->c_row, g->accumulate || kb > 0);
      }
    }
  }
}

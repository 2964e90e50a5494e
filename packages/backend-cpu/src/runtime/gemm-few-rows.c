/* C (=|+=) A B for few rows of A, without packing: sums of rows of B, or dot products with them. See gemm.h. */
#include "gemm.h"
#include "kernel.h"
#include "simd.h"

#define INLINE static inline __attribute__((always_inline))
#define DEPTH 8      /* rows of B that are read together */
#define COLUMNS 1024 /* DEPTH rows of so many columns stay in the first cache for the next row of A */

/* ---- B by rows: c[j] (=|+=) sum over p of a[p] b[p][j] ---- */

/* The next `depth` (at most DEPTH) terms of the sums in c, `first`: c starts at 0. */
INLINE void add_rows(const float *a, int32_t a_column, const float *b, int32_t b_row, int32_t depth, float *c, int32_t n,
                     int32_t first) {
  v128_t factor[DEPTH];
  for (int32_t p = 0; p < depth; p++) factor[p] = wasm_v128_load32_splat(a + p * a_column);
  const v128_t zero = wasm_f32x4_const_splat(0);
  int32_t j = 0;
  for (; j + 4 <= n; j += 4) {
    v128_t sum = first ? zero : load4(c + j);
    for (int32_t p = 0; p < depth; p++) sum = madd(factor[p], load4(b + p * b_row + j), sum);
    store4(c + j, sum);
  }
  v128_t sum = first ? zero : load_some(c + j, n - j);
  for (int32_t p = 0; p < depth; p++) sum = madd(factor[p], load_some(b + p * b_row + j, n - j), sum);
  store_some(c + j, sum, n - j);
}

static void add_eight_rows(const float *a, int32_t a_column, const float *b, int32_t b_row, float *c, int32_t n,
                           int32_t first) {
  if (first) add_rows(a, a_column, b, b_row, DEPTH, c, n, 1);
  else add_rows(a, a_column, b, b_row, DEPTH, c, n, 0);
}

static void by_rows(const struct gemm *g) {
  const int32_t width = g->m == 1 ? g->n : COLUMNS;
  for (int32_t j = 0; j < g->n; j += width) {
    const int32_t n = g->n - j < width ? g->n - j : width;
    for (int32_t p = 0; p < g->k; p += DEPTH) {
      const float *b = g->b + p * g->b_row + j;
      const int32_t first = p == 0 && !g->accumulate;
      for (int32_t i = 0; i < g->m; i++) {
        const float *a = g->a + i * g->a_row + p * g->a_column;
        float *c = g->c + i * g->c_row + j;
        if (p + DEPTH <= g->k) add_eight_rows(a, g->a_column, b, g->b_row, c, n, first);
        else
          for (int32_t q = 0; p + q < g->k; q++)
            add_rows(a + q * g->a_column, g->a_column, b + q * g->b_row, g->b_row, 1, c, n, first && q == 0);
      }
    }
  }
}

/* ---- B by columns: c[j] (=|+=) the dot product of a and line j of B ---- */

/* `lines` dot products at a time; the bits of each do not depend on `lines`. */
INLINE void dots(int32_t lines, const float *a, const float *b, int32_t b_column, int32_t k, float *c,
                 int32_t accumulate) {
  v128_t even[4], odd[4];
  for (int32_t j = 0; j < lines; j++) even[j] = odd[j] = wasm_f32x4_const_splat(0);
  int32_t p = 0;
  for (; p + 8 <= k; p += 8) {
    const v128_t a0 = load4(a + p), a1 = load4(a + p + 4);
    for (int32_t j = 0; j < lines; j++) {
      even[j] = madd(a0, load4(b + j * b_column + p), even[j]);
      odd[j] = madd(a1, load4(b + j * b_column + p + 4), odd[j]);
    }
  }
  if (p + 4 <= k) {
    for (int32_t j = 0; j < lines; j++) even[j] = madd(load4(a + p), load4(b + j * b_column + p), even[j]);
    p += 4;
  }
  const v128_t rest = load_some(a + p, k - p);
  for (int32_t j = 0; j < lines; j++) {
    odd[j] = madd(rest, load_some(b + j * b_column + p, k - p), odd[j]);
    const float dot = sum4(wasm_f32x4_add(even[j], odd[j]));
    c[j] = accumulate ? c[j] + dot : dot;
  }
}

static void by_columns(const struct gemm *g) {
  int32_t j = 0;
  for (; j + 4 <= g->n; j += 4)
    for (int32_t i = 0; i < g->m; i++)
      dots(4, g->a + i * g->a_row, g->b + j * g->b_column, g->b_column, g->k, g->c + i * g->c_row + j, g->accumulate);
  for (; j < g->n; j++)
    for (int32_t i = 0; i < g->m; i++)
      dots(1, g->a + i * g->a_row, g->b + j * g->b_column, g->b_column, g->k, g->c + i * g->c_row + j, g->accumulate);
}

void gemm_few_rows(const struct gemm *g) {
  if (g->b_column == 1) by_rows(g);
  else by_columns(g);
}

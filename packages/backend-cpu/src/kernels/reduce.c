/*
 * reduce: sum, mean or maximum of f32, over the last dimension ([rows, n] to [rows]) or the leading one ([rows, n] to
 * [n]); all = one row. Sums run in float32 over a few terms and in float64 above that, so that long sums keep f32
 * accuracy. A maximum with a NaN is NaN. Chunks depend on the sizes alone, never on the threads.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"
#include "max.h"

/* The same order as in reduce.ts. */
enum { SUM, MEAN, MAX };

struct reduce_last_args {
  const float *x;
  float *y;
  int32_t rows;
  int32_t n;
  int32_t kind;
};

struct reduce_leading_args {
  const float *x;
  float *y;
  int32_t rows;
  int32_t n;
  int32_t kind;
};

static double finish(double value, int32_t kind, int32_t count) { return kind == MEAN ? value / count : value; }

/* ---- one row ---- */

#define TERMS 16 /* f32 additions in a lane before the sum moves to float64 */
#define GROUP 64 /* the same for columns, where rows are added up in fours first */

static double sum_run(const float *x, int32_t n) {
  double total = 0;
  int32_t i = 0;
  while (i + 16 <= n) {
    const int32_t end = n - i < 16 * TERMS ? i + (n - i) / 16 * 16 : i + 16 * TERMS;
    v128_t s0 = wasm_f32x4_const_splat(0), s1 = s0, s2 = s0, s3 = s0;
    for (; i < end; i += 16) {
      s0 = wasm_f32x4_add(s0, load4(x + i));
      s1 = wasm_f32x4_add(s1, load4(x + i + 4));
      s2 = wasm_f32x4_add(s2, load4(x + i + 8));
      s3 = wasm_f32x4_add(s3, load4(x + i + 12));
    }
    total += sum4(wasm_f32x4_add(wasm_f32x4_add(s0, s1), wasm_f32x4_add(s2, s3)));
  }
  v128_t rest = wasm_f32x4_const_splat(0);
  for (; i + 4 <= n; i += 4) rest = wasm_f32x4_add(rest, load4(x + i));
  return total + sum4(wasm_f32x4_add(rest, load_some(x + i, n - i)));
}

static double reduce_run(const float *x, int32_t n, int32_t kind) {
  return kind == MAX ? max_of(x, n) : sum_run(x, n);
}

static double combine(double a, double b, int32_t kind) {
  if (kind != MAX) return a + b;
  return b > a || b != b ? b : a;
}

/* Fewer rows than this are cut into chunks, so that one long row has work for all threads. */
#define FEW_ROWS 64
#define LEAST_CHUNK 8192

KERNEL(reduce_last) {
  const int32_t chunks = a->rows <= FEW_ROWS ? reduction_chunks(a->n, LEAST_CHUNK) : 1;
  if (chunks == 1) {
    const struct range r = part(a->rows, 1, thread, threads);
    for (int32_t row = r.begin; row < r.end; row++)
      a->y[row] = (float)finish(reduce_run(a->x + row * a->n, a->n, a->kind), a->kind, a->n);
    return;
  }
  double *partials = shared_scratch();
  for (int32_t item = thread; item < a->rows * chunks; item += threads) {
    const struct range r = part(a->n, 16, item % chunks, chunks);
    partials[item] = reduce_run(a->x + item / chunks * a->n + r.begin, r.end - r.begin, a->kind);
  }
  barrier(thread, threads);
  for (int32_t row = thread; row < a->rows; row += threads) {
    double value = partials[row * chunks];
    for (int32_t c = 1; c < chunks; c++) value = combine(value, partials[row * chunks + c], a->kind);
    a->y[row] = (float)finish(value, a->kind, a->n);
  }
}

/* ---- columns ---- */

#define COLUMNS 512 /* a block whose accumulators stay in the nearest cache */

static inline v128_t join(v128_t a, v128_t b, int max) { return max ? wasm_f32x4_max(a, b) : wasm_f32x4_add(a, b); }

/* acc[j] = acc[j] joined with x[i, j] of `rows` (1 or 4) rows; acc is padded to whole vectors. */
static inline void join_rows(float *acc, const float *x, int32_t stride, int32_t columns, int rows, int max) {
  int32_t j = 0;
  for (; j + 4 <= columns; j += 4) {
    v128_t v = load4(x + j);
    if (rows == 4)
      v = join(join(v, load4(x + j + stride), max),
               join(load4(x + j + 2 * stride), load4(x + j + 3 * stride), max), max);
    store4(acc + j, join(load4(acc + j), v, max));
  }
  const int32_t n = columns - j;
  if (n == 0) return;
  v128_t v = load_some(x + j, n);
  if (rows == 4)
    v = join(join(v, load_some(x + j + stride, n), max),
             join(load_some(x + j + 2 * stride, n), load_some(x + j + 3 * stride, n), max), max);
  store4(acc + j, join(load4(acc + j), v, max));
}

/* out[j] = columns 0 .. columns - 1 of `rows` rows, reduced. */
static inline void reduce_columns(const float *x, int32_t rows, int32_t stride, int32_t columns, double *out, int max) {
  _Alignas(16) float acc[COLUMNS + 4];
  const v128_t empty = wasm_f32x4_splat(max ? -__builtin_inff() : 0);
  for (int32_t j = 0; j < columns; j++) out[j] = max ? -__builtin_inf() : 0;
  for (int32_t i = 0; i < rows;) {
    const int32_t end = rows - i < GROUP ? rows : i + GROUP;
    for (int32_t j = 0; j < columns; j += 4) store4(acc + j, empty);
    for (; i + 4 <= end; i += 4) join_rows(acc, x + i * stride, stride, columns, 4, max);
    for (; i < end; i++) join_rows(acc, x + i * stride, stride, columns, 1, max);
    for (int32_t j = 0; j < columns; j++) out[j] = combine(out[j], acc[j], max ? MAX : SUM);
  }
}

/* More columns than this give every thread its own; fewer are also cut into chunks of rows. */
#define FEW_COLUMNS 4096

KERNEL(reduce_leading) {
  const int32_t n = a->n, blocks = (n + COLUMNS - 1) / COLUMNS;
  const int32_t chunks = n <= FEW_COLUMNS ? reduction_chunks(a->rows, GROUP) : 1;
  double *partials = shared_scratch(); /* [chunks, n] */
  for (int32_t item = thread; item < chunks * blocks; item += threads) {
    const int32_t chunk = item / blocks;
    const struct range rows = part(a->rows, 1, chunk, chunks), columns = part(n, 16, item % blocks, blocks);
    const float *x = a->x + rows.begin * n + columns.begin;
    const int32_t width = columns.end - columns.begin;
    double out[COLUMNS]; /* not in `partials`: threads would share its lines */
    if (a->kind == MAX)
      reduce_columns(x, rows.end - rows.begin, n, width, out, 1);
    else
      reduce_columns(x, rows.end - rows.begin, n, width, out, 0);
    for (int32_t j = 0; j < width; j++) {
      if (chunks > 1)
        partials[chunk * n + columns.begin + j] = out[j];
      else
        a->y[columns.begin + j] = (float)finish(out[j], a->kind, a->rows);
    }
  }
  if (chunks == 1) return;
  barrier(thread, threads);
  const struct range columns = part(n, 16, thread, threads);
  for (int32_t j = columns.begin; j < columns.end; j++) {
    double value = partials[j];
    for (int32_t c = 1; c < chunks; c++) value = combine(value, partials[c * n + j], a->kind);
    a->y[j] = (float)finish(value, a->kind, a->rows);
  }
}

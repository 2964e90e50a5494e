/*
 * matmul: C[i] (=|+=) op(A[i]) op(B[i]) for i < batch, f32; op transposes where its flag is set.
 * op(A) is m x k, op(B) k x n, C m x n, each dense and row-major; the strides lead from one matrix of the batch to the
 * next, in elements, and 0 uses the same A or B for all. C must not overlap A or B.
 */
#include "../runtime/gemm.h"
#include "../runtime/kernel.h"

#define FEW_BY_ROWS 8    /* up to so many rows packing does not pay, when B is read by rows */
#define FEW_BY_COLUMNS 4 /* and when it is read by columns */
#define PACKING 5        /* packing an element takes about as long as so many multiplications */

struct matmul_args {
  const float *a;
  const float *b;
  float *c;
  int32_t m;
  int32_t n;
  int32_t k;
  int32_t transpose_a;
  int32_t transpose_b;
  int32_t accumulate;
  int32_t batch;
  int32_t stride_a;
  int32_t stride_b;
  int32_t stride_c;
};

static inline int64_t blocks_of(int64_t n, int64_t size) { return (n + size - 1) / size; }

static inline int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

/*
 * How many ways to split the columns; the row panels of the whole batch are split threads / ways. Both packings are
 * repeated across the other split, so near-square blocks are best unless the tiles then divide badly.
 */
static int32_t column_ways(int64_t row_panels, int64_t column_panels, int32_t threads) {
  int32_t best = 1;
  int64_t least_cost = INT64_MAX;
  for (int32_t ways = 1; ways <= threads && ways <= column_panels; ways++) {
    const int64_t rows = blocks_of(row_panels, threads / ways) * MR, columns = blocks_of(column_panels, ways) * NR;
    const int64_t cost = rows * columns + PACKING * (rows + columns);
    if (cost < least_cost) {
      least_cost = cost;
      best = ways;
    }
  }
  return best;
}

/* The product of matrix `item`, as a gemm. */
static struct gemm whole(const struct matmul_args *a, int32_t item) {
  return (struct gemm){
      .a = a->a + item * a->stride_a,
      .b = a->b + item * a->stride_b,
      .c = a->c + item * a->stride_c,
      .a_row = a->transpose_a ? 1 : a->k,
      .a_column = a->transpose_a ? a->m : 1,
      .b_row = a->transpose_b ? 1 : a->n,
      .b_column = a->transpose_b ? a->k : 1,
      .c_row = a->n,
      .m = a->m,
      .n = a->n,
      .k = a->k,
      .accumulate = a->accumulate,
  };
}

static struct gemm block_of(struct gemm g, struct range rows, struct range columns) {
  g.a += rows.begin * g.a_row;
  g.b += columns.begin * g.b_column;
  g.c += rows.begin * g.c_row + columns.begin;
  g.m = rows.end - rows.begin;
  g.n = columns.end - columns.begin;
  return g;
}

/* The same product seen as its transpose, for a C of one column. */
static struct gemm transposed(struct gemm g) {
  const struct gemm t = {.a = g.b, .b = g.a, .c = g.c, .a_row = g.b_column, .a_column = g.b_row, .b_row = g.a_column,
                         .b_column = g.a_row, .c_row = 1, .m = 1, .n = g.m, .k = g.k, .accumulate = g.accumulate};
  return t;
}

static int pays_without_packing(const struct gemm *g) {
  if (g->b_column == 1) return g->m <= FEW_BY_ROWS;
  return g->m == 1 || (g->m <= FEW_BY_COLUMNS && g->a_column == 1);
}

/* Few rows, or one column: split over the columns of each matrix. */
static void multiply_few_rows(const struct matmul_args *a, int flip, int thread, int threads) {
  for (int32_t item = 0; item < a->batch; item++) {
    const struct gemm g = flip ? transposed(whole(a, item)) : whole(a, item);
    const struct range columns = part(g.n, 16, thread, threads);
    if (columns.begin == columns.end) continue;
    const struct gemm mine = block_of(g, (struct range){0, g.m}, columns);
    gemm_few_rows(&mine);
  }
}

KERNEL(matmul) {
  struct matmul_args all = *a;
  if (all.batch > 1 && all.stride_b == 0 && !all.transpose_a && all.stride_a == all.m * all.k &&
      all.stride_c == all.m * all.n) {
    all.m *= all.batch; /* one B for all: the batch is only more rows */
    all.batch = 1;
  }
  const int flip = all.n == 1 && all.m > 1;
  const struct gemm one = flip ? transposed(whole(&all, 0)) : whole(&all, 0);
  if (pays_without_packing(&one)) {
    multiply_few_rows(&all, flip, thread, threads);
    return;
  }

  const int32_t panels = (int32_t)blocks_of(all.m, MR);
  const int32_t ways = column_ways((int64_t)panels * all.batch, blocks_of(all.n, NR), threads);
  const int32_t row_ways = threads / ways;
  if (thread >= ways * row_ways) return;
  const struct range columns = part(all.n, NR, thread % ways, ways);
  if (columns.begin == columns.end) return;
  const struct range mine = part(panels * all.batch, 1, thread / ways, row_ways);
  for (int32_t at = mine.begin; at < mine.end;) {
    const int32_t item = at / panels, first = at % panels, last = least(panels, first + mine.end - at);
    const struct gemm g = block_of(whole(&all, item), (struct range){first * MR, least(all.m, last * MR)}, columns);
    gemm(&g, thread_scratch(thread));
    at += last - first;
  }
}

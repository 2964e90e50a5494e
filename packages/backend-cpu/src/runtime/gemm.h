/*
 * Matrix products of one thread, for kernels that multiply matrices: C (=|+=) A B in f32, on blocks with any row stride.
 * Who computes which block of C is the caller's business (kernels/matmul.c splits over threads). An element's bits depend
 * on k and on the function alone, not on the block around it: choose the function from the sizes of the whole product.
 */
#ifndef QSPARSE_GEMM_H
#define QSPARSE_GEMM_H

#include <stdint.h>

#define MR 6 /* rows of a tile: split rows at multiples of it */
#define NR 8 /* columns of a tile */

struct gemm {
  const float *a; /* element (i, p) at a[i * a_row + p * a_column], one of the strides is 1 */
  const float *b; /* element (p, j) at b[p * b_row + j * b_column], one of the strides is 1 */
  float *c;       /* element (i, j) at c[i * c_row + j] */
  int32_t a_row, a_column;
  int32_t b_row, b_column;
  int32_t c_row;
  int32_t m, n, k;    /* all at least 1 */
  int32_t accumulate; /* 0: C = A B; 1: C += A B */
};

/* Any sizes. `scratch` is the thread's THREAD_SCRATCH_BYTES of kernel.h, all of it. */
void gemm(const struct gemm *g, void *scratch);

/*
 * For few rows (about 1 to 8), where packing would cost more than it saves: reads each element of B once, in order.
 * Needs a_column == 1 or m == 1 where b_row == 1 (the rows of A are read as vectors there).
 */
void gemm_few_rows(const struct gemm *g);

#endif

/* What sparsify and gated-sparsify do with a row; the code is in sparsify.c. */
#ifndef QSPARSE_ROW_SPARSIFY_H
#define QSPARSE_ROW_SPARSIFY_H

#include "row-list.h"
#include "selection.h"

#define MASK_PIECE 1024 /* a multiple of 16 */

/* The attributes of the op, and the norm's weight or 0. */
struct site {
  const float *weight;
  int32_t width, keep, block, int8, normalize;
  float epsilon;
};

/*
 * One row from x into y, which may be x. `inverse`: where its inverse RMS goes, when there is a norm. `mask`: scratch
 * of MASK_PIECE floats. Where a `list` of levels is wanted and one magnitude tells all that is kept, list number `row` is
 * written at once, with h in y; only then is the result 1.
 */
int sparsify_row(const struct site *a, const float *x, float *y, float *inverse, float *mask, struct hint *hint,
                 const struct list *list, int32_t row);

#endif

/* The list that is made of a row; the code is in compact.c. */
#ifndef QSPARSE_ROW_LIST_H
#define QSPARSE_ROW_LIST_H

#include "row-int8.h"

/* Lists of `keep` places for each row: floats in `values`, or levels in `codes` with their scale. */
struct list {
  int32_t *indices;
  float *values;
  int8_t *codes;
  int32_t *count;
  float *scale;
  int32_t keep;
};

/* The first `keep` entries of x that are not zero, as list number `row`. */
void list_row(const struct list *to, const float *x, int32_t width, int32_t row);

/* The same of the levels of x for magnitudes of at least `least`, those of others taken as 0. */
void list_levels(const struct list *to, const float *x, int32_t width, int32_t least, struct levels levels, int32_t row);

#endif

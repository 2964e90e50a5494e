/*
 * sparsify_list: what sparsify and then compact do, a row at a time: the selected row stays in the scratch memory of its
 * thread, or, where it is too wide for that, in memory that the launch brings. With `gated` h = act(gate) * up of the halves
 * of x's rows comes first; with `plain` nothing is selected.
 */
#include "../runtime/kernel.h"
#include "gated-activation.h"
#include "row-list.h"
#include "row-sparsify.h"

struct sparsify_list_args {
  const float *x;
  const float *weight;
  int32_t *indices;
  float *values;
  int8_t *codes;
  int32_t *count;
  float *scale;
  float *selected;
  int32_t rows;
  int32_t width;
  int32_t places;
  int32_t gated;
  int32_t kind;
  int32_t plain;
  int32_t keep;
  int32_t block;
  int32_t int8;
  int32_t normalize;
  float epsilon;
};

KERNEL(sparsify_list) {
  const struct range mine = part(a->rows, 1, thread, threads);
  const struct site site = {a->weight, a->width, a->keep, a->block, a->int8, a->normalize, a->epsilon};
  const struct list list = {a->indices, a->values, a->codes, a->count, a->scale, a->places};
  float *mask = thread_scratch(thread), inverse;
  struct hint hint = NO_HINT;
  for (int32_t row = mine.begin; row < mine.end; row++) {
    float *h = a->selected ? a->selected + row * a->width : mask + MASK_PIECE;
    const float *x = a->x + row * a->width * (a->gated ? 2 : 1);
    if (a->gated) {
      gated_run(a->kind, x, x + a->width, h, a->width);
      x = h;
    }
    const int listed = !a->plain && sparsify_row(&site, x, h, &inverse, mask, &hint, a->codes ? &list : 0, row);
    if (!listed) list_row(&list, h, a->width, row);
  }
}

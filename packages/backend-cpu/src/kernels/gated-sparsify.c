/*
 * gated_sparsify: h = act(gate) * up of the halves of x's rows, and then what sparsify does with h, a row at a time.
 * With `plain` nothing is left to do after h.
 */
#include "../runtime/kernel.h"
#include "gated-activation.h"
#include "row-sparsify.h"

struct gated_sparsify_args {
  const float *x;
  const float *weight;
  float *y;
  float *inverse_rms;
  int32_t rows;
  int32_t width;
  int32_t kind;
  int32_t plain;
  int32_t keep;
  int32_t block;
  int32_t int8;
  int32_t normalize;
  float epsilon;
};

KERNEL(gated_sparsify) {
  const struct range mine = part(a->rows, 1, thread, threads);
  const struct site site = {a->weight, a->width, a->keep, a->block, a->int8, a->normalize, a->epsilon};
  struct hint hint = NO_HINT;
  for (int32_t row = mine.begin; row < mine.end; row++) {
    const float *gate = a->x + 2 * row * a->width;
    float *y = a->y + row * a->width;
    gated_run(a->kind, gate, gate + a->width, y, a->width);
    if (!a->plain) sparsify_row(&site, y, y, a->inverse_rms + row, thread_scratch(thread), &hint, 0, 0);
  }
}

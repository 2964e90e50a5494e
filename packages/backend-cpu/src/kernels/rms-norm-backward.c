/*
 * rms_norm_backward: with h = x * inverseRms and g = dy * weight, dx (=|+=) inverseRms * (g - h * mean(g h)) for each
 * row, and dWeight (=|+=) the sum over rows of dy * h. The rows are cut into `chunks` parts, whatever the threads; each
 * sums dWeight in a row of `partial`, and the rows are added in order.
 */
#include "../runtime/kernel.h"
#include "row-norm-backward.h"

struct rms_norm_backward_args {
  const float *dy;
  const float *x;
  const float *weight;
  const float *inverse_rms;
  float *dx;
  float *d_weight;
  float *partial;
  int32_t rows;
  int32_t width;
  int32_t chunks;
  int32_t add_to_x;
  int32_t add_to_weight;
};

KERNEL(rms_norm_backward) {
  const int32_t n = a->width;
  for (int32_t chunk = thread; chunk < a->chunks; chunk += threads) {
    const struct range rows = part(a->rows, 1, chunk, a->chunks);
    float *sums = a->partial + chunk * n;
    if (a->weight) fill_floats(sums, 0, n);
    for (int32_t row = rows.begin; row < rows.end; row++) {
      const int32_t first = row * n;
      norm_backward_row(a->dy + first, a->x + first, a->weight, a->inverse_rms[row], a->dx + first, sums, n,
                        a->add_to_x);
    }
  }
  if (!a->weight) return;
  barrier(thread, threads);
  add_partials(a->partial, a->chunks, a->d_weight, n, a->add_to_weight, thread, threads);
}

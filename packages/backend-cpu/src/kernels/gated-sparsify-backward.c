/*
 * gated_sparsify_backward: dh = dy, or dy through the norm of h = act(gate) * up, which is made again; then
 * dGate = act'(gate) * (dh * up) and dUp = act(gate) * dh, side by side as the halves of x's rows. dWeight is summed as
 * in rms-norm-backward.c: over `chunks` parts of the rows, whatever the threads, a row of `partial` for each. With a
 * norm each chunk has a row of `normed` for h and dh.
 */
#include "../runtime/kernel.h"
#include "gated-activation.h"
#include "row-norm-backward.h"

struct gated_sparsify_backward_args {
  const float *dy;
  const float *x;
  const float *weight;
  const float *inverse_rms;
  float *dx;
  float *d_weight;
  float *normed;
  float *partial;
  int32_t rows;
  int32_t width;
  int32_t chunks;
  int32_t kind;
  int32_t add_to_weight;
};

KERNEL(gated_sparsify_backward) {
  const int32_t n = a->width;
  for (int32_t chunk = thread; chunk < a->chunks; chunk += threads) {
    const struct range rows = part(a->rows, 1, chunk, a->chunks);
    float *sums = a->partial + chunk * n, *h = a->normed + chunk * n;
    if (a->weight) fill_floats(sums, 0, n);
    for (int32_t row = rows.begin; row < rows.end; row++) {
      const float *gate = a->x + 2 * row * n, *up = gate + n, *dh = a->dy + row * n;
      float *d_gate = a->dx + 2 * row * n;
      if (a->inverse_rms) {
        gated_run(a->kind, gate, up, h, n);
        norm_backward_row(dh, h, a->weight, a->inverse_rms[row], h, sums, n, 0);
        dh = h;
      }
      gated_backward(a->kind, gate, up, dh, d_gate, d_gate + n, n);
    }
  }
  if (!a->weight) return;
  barrier(thread, threads);
  add_partials(a->partial, a->chunks, a->d_weight, n, a->add_to_weight, thread, threads);
}

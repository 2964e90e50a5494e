/*
 * cross_entropy: the log-sum-exp of each row of logits, the mean of logSumExp - logit[target] over targets of at least
 * 0, and how many those are. A target beyond the row makes the loss NaN; none at all makes it 0.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

#define PIECE 4096 /* exponentials that are summed in float32, 16 sums side by side, before float64 takes over */

struct cross_entropy_args {
  const float *logits;
  const int32_t *targets;
  float *loss;
  float *log_sum_exp;
  float *count;
  float *row_losses;
  int32_t rows;
  int32_t width;
};

/* The largest of a row, NaN left out. */
static float largest(const float *x, int32_t n) {
  v128_t m0 = wasm_f32x4_const_splat(-__builtin_inff()), m1 = m0, m2 = m0, m3 = m0;
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) {
    m0 = wasm_f32x4_pmax(m0, load4(x + i));
    m1 = wasm_f32x4_pmax(m1, load4(x + i + 4));
    m2 = wasm_f32x4_pmax(m2, load4(x + i + 8));
    m3 = wasm_f32x4_pmax(m3, load4(x + i + 12));
  }
  m0 = wasm_f32x4_pmax(wasm_f32x4_pmax(m0, m1), wasm_f32x4_pmax(m2, m3));
  m0 = wasm_f32x4_pmax(m0, wasm_i32x4_shuffle(m0, m0, 2, 3, 0, 1));
  float m = wasm_f32x4_extract_lane(wasm_f32x4_pmax(m0, wasm_i32x4_shuffle(m0, m0, 1, 0, 3, 2)), 0);
  for (; i < n; i++) m = m < x[i] ? x[i] : m;
  return m;
}

/* The sum of e^(x - max) over a piece. */
static float sum_of_exponentials(const float *x, int32_t n, v128_t max) {
  v128_t s0 = wasm_f32x4_const_splat(0), s1 = s0, s2 = s0, s3 = s0;
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) {
    s0 = wasm_f32x4_add(s0, exp4(wasm_f32x4_sub(load4(x + i), max)));
    s1 = wasm_f32x4_add(s1, exp4(wasm_f32x4_sub(load4(x + i + 4), max)));
    s2 = wasm_f32x4_add(s2, exp4(wasm_f32x4_sub(load4(x + i + 8), max)));
    s3 = wasm_f32x4_add(s3, exp4(wasm_f32x4_sub(load4(x + i + 12), max)));
  }
  float sum = sum4(wasm_f32x4_add(wasm_f32x4_add(s0, s1), wasm_f32x4_add(s2, s3)));
  for (; i < n; i++) sum += wasm_f32x4_extract_lane(exp4(wasm_f32x4_sub(wasm_f32x4_splat(x[i]), max)), 0);
  return sum;
}

static void row_loss(const struct cross_entropy_args *a, int32_t row) {
  const float *x = a->logits + row * a->width;
  const float max = largest(x, a->width);
  double sum = 0;
  for (int32_t i = 0; i < a->width; i += PIECE)
    sum += sum_of_exponentials(x + i, a->width - i < PIECE ? a->width - i : PIECE, wasm_f32x4_splat(max));
  const float log_sum = wasm_f32x4_extract_lane(log4(wasm_f32x4_splat((float)sum)), 0);
  a->log_sum_exp[row] = max + log_sum;
  const int32_t target = a->targets[row];
  /* The large parts first: they cancel without a rounding in between. */
  a->row_losses[row] = target < 0 ? 0 : target < a->width ? (max - x[target]) + log_sum : __builtin_nanf("");
}

KERNEL(cross_entropy) {
  const struct range r = part(a->rows, 1, thread, threads);
  for (int32_t row = r.begin; row < r.end; row++) row_loss(a, row);
  barrier(thread, threads);
  if (thread > 0) return;
  double total = 0;
  int32_t count = 0;
  for (int32_t row = 0; row < a->rows; row++) {
    if (a->targets[row] < 0) continue; /* its row may be NaN */
    total += a->row_losses[row];
    count++;
  }
  *a->count = (float)count;
  *a->loss = count == 0 ? 0 : (float)(total / count);
}

/*
 * softmax: y = exp(x - max) / sum over the last dimension of [rows, n], f32. Causal: row i (of each `queries` rows) sees
 * columns j <= i + p, and j > i + p - window when there is a window, and j >= its `first`; what it does not see is 0.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd-math.h"
#include "max.h"

struct softmax_args {
  const float *x;
  const int32_t *position; /* p; 0: n - queries */
  const int32_t *first;    /* of each row of a batch, [batches, queries]; 0: none */
  float *y;
  int32_t rows;
  int32_t n;
  int32_t causal;
  int32_t window;
  int32_t queries;
  int32_t batch_rows;
  int32_t position_step; /* 1: p of each batch */
};

static void fill_zero(float *y, int32_t n) {
  if (n > 0) fill_floats(y, 0, n);
}

#define BLOCK 512 /* elements whose sum is taken in float32; above that in float64, so that long rows stay exact */

/* y = exp(x - max), unscaled. Returns the sum of y. */
static double exp_run(const float *x, float *y, int32_t n, v128_t max) {
  double sum = 0;
  int32_t i = 0;
  while (i + 8 <= n) {
    const int32_t end = n - i < BLOCK ? i + (n - i) / 8 * 8 : i + BLOCK;
    v128_t s0 = wasm_f32x4_const_splat(0), s1 = s0;
    for (; i < end; i += 8) {
      const v128_t e0 = exp4(wasm_f32x4_sub(load4(x + i), max)), e1 = exp4(wasm_f32x4_sub(load4(x + i + 4), max));
      store4(y + i, e0);
      store4(y + i + 4, e1);
      s0 = wasm_f32x4_add(s0, e0);
      s1 = wasm_f32x4_add(s1, e1);
    }
    sum += sum4(wasm_f32x4_add(s0, s1));
  }
  v128_t tail = wasm_f32x4_const_splat(0);
  if (i + 4 <= n) {
    tail = exp4(wasm_f32x4_sub(load4(x + i), max));
    store4(y + i, tail);
    i += 4;
  }
  if (i < n) {
    const v128_t inside = wasm_i32x4_lt(wasm_i32x4_const(0, 1, 2, 3), wasm_i32x4_splat(n - i));
    const v128_t e = wasm_v128_and(exp4(wasm_f32x4_sub(load_some(x + i, n - i), max)), inside);
    store_some(y + i, e, n - i);
    tail = wasm_f32x4_add(tail, e);
  }
  return sum + sum4(tail);
}

/* A row whose n elements are all seen. */
static void softmax_run(const float *x, float *y, int32_t n) {
  const double sum = exp_run(x, y, n, wasm_f32x4_splat(max_of(x, n)));
  const v128_t factor = wasm_f32x4_splat((float)(1 / sum));
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) store4(y + i, wasm_f32x4_mul(load4(y + i), factor));
  store_some(y + i, wasm_f32x4_mul(load_some(y + i, n - i), factor), n - i);
}

/* The columns that a row sees under the causal mask. */
static struct range columns_seen(const struct softmax_args *a, int32_t row) {
  const int32_t batch = row / a->batch_rows, query = row % a->queries, n = a->n;
  const int64_t last = query + (a->position ? (int64_t)a->position[batch * a->position_step] : n - a->queries);
  int64_t first = a->window ? last - a->window + 1 : 0;
  if (a->first && first < a->first[batch * a->queries + query]) first = a->first[batch * a->queries + query];
  const int32_t end = last < 0 ? 0 : last < n ? (int32_t)last + 1 : n;
  return (struct range){first < 0 ? 0 : first < end ? (int32_t)first : end, end};
}

/* Elements that a thread takes at a time: rows see unequally many columns, so threads take turns. */
#define TURN 4096

KERNEL(softmax) {
  const int32_t n = a->n;
  const int32_t turn_rows = n < TURN ? TURN / n : 1, turns = (a->rows + turn_rows - 1) / turn_rows;
  for (int32_t turn; (turn = claim(0)) < turns;) {
    const struct range r = part(a->rows, 1, turn, turns);
    for (int32_t row = r.begin; row < r.end; row++) {
      const struct range seen = a->causal ? columns_seen(a, row) : (struct range){0, n};
      const float *x = a->x + row * n;
      float *y = a->y + row * n;
      fill_zero(y, seen.begin);
      if (seen.begin < seen.end) softmax_run(x + seen.begin, y + seen.begin, seen.end - seen.begin);
      fill_zero(y + seen.end, n - seen.end);
    }
  }
}

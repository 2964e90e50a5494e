/*
 * attention: y = softmax(scale q k^T, causal) v and the log of each softmax sum, by tiles of queries x keys; scores
 * live in scratch only. For many rows (training, prefill); attention-few.c serves a handful of them (decoding).
 */
#include "../runtime/kernel.h"
#include "attention-tile.h"

struct attention_args {
  const float *q;
  const float *k;
  const float *v;
  const int32_t *position;
  const int32_t *first; /* key of each [batch, queries]; 0: the first of all */
  float *y;
  float *log_sum_exp;
  int32_t batch;
  int32_t queries;
  int32_t keys;
  int32_t heads;
  int32_t groups;
  int32_t size;
  int32_t window;
  int32_t position_step; /* 1: a position for each batch */
  int32_t row_block;
  float scale;
};

/* What one thread works in. */
struct workspace {
  float *q, *out;    /* tiles of row_block rows, zeros between size and a multiple of 8 columns */
  float *k, *v;      /* k transposed: keys are columns; v: tiles of STRIDE keys */
  float *scores;     /* [STRIP][STRIDE] */
  float *max, *sum;  /* of each row; the maximum in units of log 2 */
  struct seen *seen; /* of each row */
  int32_t size, row_block;
};

/* Sets the scores of a row in [begin, end) that it does not see to -infinity. */
static void mask(float *row, int32_t begin, int32_t end, struct seen seen) {
  for (int32_t j = begin; j < seen.begin && j < end; j++) row[j] = -__builtin_inff();
  for (int32_t j = larger(begin, seen.end); j < end; j++) row[j] = -__builtin_inff();
}

static float max4(v128_t v) {
  const v128_t pairs = wasm_f32x4_pmax(v, wasm_i32x4_shuffle(v, v, 2, 3, 0, 1));
  return wasm_f32x4_extract_lane(wasm_f32x4_pmax(pairs, wasm_i32x4_shuffle(pairs, pairs, 1, 0, 3, 2)), 0);
}

/* Turns the scores [begin, end) of a row, multiples of 8, into weights, and rescales what the row has summed so far. */
static void update(const struct workspace *w, int32_t row, float *scores, int32_t begin, int32_t end) {
  const float old = w->max[row];
  v128_t m0 = wasm_f32x4_splat(old), m1 = m0;
  for (int32_t j = begin; j < end; j += LANES) {
    m0 = wasm_f32x4_pmax(m0, load4(scores + j));
    m1 = wasm_f32x4_pmax(m1, load4(scores + j + 4));
  }
  const float max = max4(wasm_f32x4_pmax(m0, m1));
  const v128_t m = wasm_f32x4_splat(max);
  v128_t s0 = wasm_f32x4_const_splat(0), s1 = s0;
  for (int32_t j = begin; j < end; j += LANES) {
    const v128_t p0 = exp2_4(wasm_f32x4_sub(load4(scores + j), m));
    const v128_t p1 = exp2_4(wasm_f32x4_sub(load4(scores + j + 4), m));
    store4(scores + j, p0);
    store4(scores + j + 4, p1);
    s0 = wasm_f32x4_add(s0, p0);
    s1 = wasm_f32x4_add(s1, p1);
  }
  const float sum = sum4(wasm_f32x4_add(s0, s1));
  if (max == old) {
    w->sum[row] += sum;
    return;
  }
  const v128_t factor = exp2_4(wasm_f32x4_sub(wasm_f32x4_splat(old), m));
  w->max[row] = max;
  w->sum[row] = w->sum[row] * wasm_f32x4_extract_lane(factor, 0) + sum;
  for (int32_t c = 0; c < w->size; c += LANES) {
    float *out = w->out + (c / STRIDE * w->row_block + row) * STRIDE + c % STRIDE;
    store4(out, wasm_f32x4_mul(load4(out), factor));
    store4(out + 4, wasm_f32x4_mul(load4(out + 4), factor));
  }
}

/* Adds weight * value of one key to a row. */
static void add_value(const struct workspace *w, int32_t row, float weight, int32_t key) {
  const v128_t p = wasm_f32x4_splat(weight);
  for (int32_t c = 0; c < w->size; c += LANES) {
    const float *value = w->v + (c / STRIDE * STRIDE + key) * STRIDE + c % STRIDE;
    float *out = w->out + (c / STRIDE * w->row_block + row) * STRIDE + c % STRIDE;
    store4(out, madd(p, load4(value), load4(out)));
    store4(out + 4, madd(p, load4(value + 4), load4(out + 4)));
  }
}

/* A strip of rows (from `row` of the block) against the packed tile of `count` keys that starts at `first`. */
static void attend(const struct workspace *w, int32_t row, int32_t first, int32_t count) {
  struct seen rows[STRIP];
  int32_t begin = count, end = 0, all_begin = 0, all_end = count; /* seen by any row, seen by all rows */
  for (int32_t i = 0; i < STRIP; i++) {
    rows[i].begin = larger(w->seen[row + i].begin - first, 0);
    rows[i].end = smaller(w->seen[row + i].end - first, count);
    all_begin = larger(all_begin, rows[i].begin);
    all_end = smaller(all_end, rows[i].end);
    if (rows[i].begin >= rows[i].end) continue;
    begin = smaller(begin, rows[i].begin);
    end = larger(end, rows[i].end);
  }
  if (begin >= end) return;

  const int32_t from = begin / LANES * LANES, to = round_up(end, LANES);
  for (int32_t j = from; j < to; j += LANES)
    score_products(w->q + row * STRIDE, w->row_block, w->size, w->k + j, w->scores + j);
  const int ragged = all_begin > from || all_end < to;
  for (int32_t i = 0; i < STRIP; i++) {
    if (rows[i].begin >= rows[i].end) continue;
    float *scores = w->scores + i * STRIDE;
    if (ragged) mask(scores, from, to, rows[i]);
    update(w, row + i, scores, from, to);
  }

  if (all_begin < all_end)
    for (int32_t c = 0; c < w->size; c += LANES)
      add_products(w->scores + all_begin, w->v + (c / STRIDE * STRIDE + all_begin) * STRIDE + c % STRIDE,
                   all_end - all_begin, w->out + (c / STRIDE * w->row_block + row) * STRIDE + c % STRIDE);
  else all_begin = all_end = end;
  /* The keys that not all rows see, one by one: 0 times a value that a row must not see could be NaN. */
  for (int32_t i = 0; i < STRIP; i++) {
    for (int32_t j = rows[i].begin; j < smaller(all_begin, rows[i].end); j++)
      add_value(w, row + i, w->scores[i * STRIDE + j], j);
    for (int32_t j = larger(all_end, rows[i].begin); j < rows[i].end; j++)
      add_value(w, row + i, w->scores[i * STRIDE + j], j);
  }
}

/* y = out / sum, and the log of the sum. A row that saw no key is zeros. */
static void finish_row(const struct workspace *w, int32_t row, float *y, float *log_sum_exp) {
  const float sum = w->sum[row];
  const v128_t inverse = wasm_f32x4_splat(sum == 0 ? 0 : 1 / sum);
  for (int32_t c = 0; c < w->size; c += 4) {
    const v128_t v = wasm_f32x4_mul(load4(w->out + (c / STRIDE * w->row_block + row) * STRIDE + c % STRIDE), inverse);
    if (w->size - c >= 4) store4(y + c, v);
    else store_some(y + c, v, w->size - c);
  }
  *log_sum_exp = sum == 0 ? -__builtin_inff() : log_sum(w->max[row], sum);
}

/* Rows [first_row, end_row) of one batch and group. */
static void attend_block(const struct attention_args *a, const struct workspace *w, int32_t batch, int32_t group,
                         int32_t first_row, int32_t end_row) {
  const int32_t per_group = a->heads / a->groups, rows = end_row - first_row, padded_rows = round_up(rows, STRIP);
  const int64_t position = a->position ? a->position[batch * a->position_step] : a->keys - a->queries;
  const int32_t token_stride = a->heads * a->size, key_stride = a->groups * a->size;
  const int32_t first_head = batch * a->queries * a->heads + group * per_group;
  const struct rows q = {(float *)a->q + first_head * a->size, per_group, token_stride, a->size};
  const struct rows y = {a->y + first_head * a->size, per_group, token_stride, a->size};
  const struct rows log_sum_exp = {a->log_sum_exp + first_head, per_group, a->heads, 1};
  const int32_t first_element = batch * a->keys * key_stride + group * a->size;

  int32_t first_key = a->keys, end_key = 0;
  for (int32_t r = 0; r < padded_rows; r++) {
    const int32_t row = first_row + smaller(r, rows - 1); /* the padding repeats the last row */
    const int32_t token = row / per_group;
    pack_row(w->q + r * STRIDE, w->row_block, row_at(&q, row), a->size, 1);
    w->max[r] = LOWEST;
    w->sum[r] = 0;
    w->seen[r] = keys_seen(position + token, a->keys, a->window, a->first ? a->first[batch * a->queries + token] : 0);
    if (w->seen[r].begin >= w->seen[r].end) continue;
    first_key = smaller(first_key, w->seen[r].begin);
    end_key = larger(end_key, w->seen[r].end);
  }
  fill_floats(w->out, 0, tiles_across(a->size) * w->row_block * STRIDE);

  for (int32_t key = first_key / STRIDE * STRIDE; key < end_key; key += STRIDE) {
    const int32_t count = smaller(STRIDE, end_key - key), element = first_element + key * key_stride;
    pack_transposed(w->k, a->k + element, key_stride, count, a->size, a->scale * LOG2_E);
    for (int32_t j = 0; j < count; j++)
      pack_row(w->v + j * STRIDE, STRIDE, a->v + element + j * key_stride, a->size, 1);
    for (int32_t r = 0; r < rows; r += STRIP) attend(w, r, key, count);
  }
  for (int32_t r = 0; r < rows; r++) finish_row(w, r, row_at(&y, first_row + r), row_at(&log_sum_exp, first_row + r));
}

KERNEL(attention) {
  const int32_t rows = a->queries * (a->heads / a->groups), across = tiles_across(a->size);
  struct workspace w = {.size = a->size, .row_block = a->row_block};
  float *free = thread_scratch(thread);
  w.scores = free, free += STRIP * STRIDE;
  w.q = free, free += across * a->row_block * STRIDE;
  w.out = free, free += across * a->row_block * STRIDE;
  w.k = free, free += across * STRIDE * STRIDE;
  w.v = free, free += across * STRIDE * STRIDE;
  w.max = free, free += a->row_block;
  w.sum = free, free += a->row_block;
  w.seen = (struct seen *)free;

  /* The last rows see the most keys: they go first, so that no thread is left with a long one. */
  const int32_t pairs = a->batch * a->groups, blocks = (rows + a->row_block - 1) / a->row_block;
  for (int32_t unit; (unit = claim(0)) < pairs * blocks;) {
    const int32_t pair = unit % pairs, first = (blocks - 1 - unit / pairs) * a->row_block;
    attend_block(a, &w, pair / a->groups, pair % a->groups, first, smaller(first + a->row_block, rows));
  }
}

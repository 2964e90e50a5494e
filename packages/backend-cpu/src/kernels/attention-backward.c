/*
 * attention_backward: dq, dk and dv of attention.c from the saved log-sum-exp. Scores are computed again, a tile of
 * keys and a block of rows at a time: p = exp(scale q k - logSumExp), ds = p (dy v - dy y), dv = p^T dy,
 * dk = scale ds^T q, dq = scale ds k. One thread owns dk and dv of a key tile; where batches and groups are few, the
 * key tiles of one are shared out over `splits` parts that each sum a dq of their own, added up in order at the end.
 */
#include "../runtime/kernel.h"
#include "attention-tile.h"

#define KEY_ROWS 66 /* STRIDE keys in whole strips */

_Static_assert(KEY_ROWS >= STRIDE && KEY_ROWS % STRIP == 0, "strips of keys must cover a tile");

struct attention_backward_args {
  const float *dy;
  const float *q;
  const float *k;
  const float *v;
  const float *y;
  const float *log_sum_exp;
  const int32_t *position;
  const int32_t *first; /* key of each [batch, queries]; 0: the first of all */
  float *dq;
  float *dk;
  float *dv;
  float *dy_y;
  float *partial_dq;
  int32_t batch;
  int32_t queries;
  int32_t keys;
  int32_t heads;
  int32_t groups;
  int32_t size;
  int32_t window;
  int32_t position_step; /* 1: a position for each batch */
  int32_t row_block;
  int32_t splits;
  float scale;
};

/* What one thread works in. */
struct workspace {
  float *q, *dy;            /* tiles of row_block rows */
  float *weights, *dscores; /* p and ds, [row_block][STRIDE] */
  float *kt, *vt;           /* keys are columns; kt in units of log 2 */
  float *k;                 /* times scale */
  float *dk, *dv;           /* tiles of KEY_ROWS rows; dk lacks scale */
  float *buffer;            /* [STRIP][STRIDE] */
  struct range *strips;     /* the keys of the tile, multiples of LANES, that a strip of rows has scores for */
};

/* One batch and group, and the tensors' rows in it. */
struct unit {
  const struct attention_backward_args *a;
  struct rows q, dy, dq, log_sum_exp, dy_y;
  int64_t position;
  const int32_t *first; /* of its queries; 0: none */
  int32_t first_key_element, key_stride, per_group, rows;
};

/* Weights and score gradients of one row over [begin, end); zeros elsewhere in the tile. */
static void differentiate(float *weights, float *dscores, const float *dy_v, struct range keys, struct seen seen,
                          float log_sum_exp, float dy_y) {
  const v128_t zero = wasm_f32x4_const_splat(0), l = wasm_f32x4_splat(log_sum_exp * LOG2_E), d = wasm_f32x4_splat(dy_y);
  for (int32_t j = 0; j < keys.begin; j += 4) store4(weights + j, zero), store4(dscores + j, zero);
  for (int32_t j = keys.end; j < STRIDE; j += 4) store4(weights + j, zero), store4(dscores + j, zero);
  for (int32_t j = keys.begin; j < keys.end; j += 4) {
    const v128_t p = exp2_4(wasm_f32x4_sub(load4(weights + j), l));
    store4(weights + j, p);
    store4(dscores + j, wasm_f32x4_mul(p, wasm_f32x4_sub(load4(dy_v + j), d)));
  }
  for (int32_t j = keys.begin; j < seen.begin && j < keys.end; j++) weights[j] = dscores[j] = 0;
  for (int32_t j = larger(keys.begin, seen.end); j < keys.end; j++) weights[j] = dscores[j] = 0;
}

/* A strip of rows: its part of weights, dscores and dq. `row` counts in the block that starts at `first_row`. */
static void strip_backward(const struct unit *u, const struct workspace *w, int32_t first_row, int32_t row, int32_t key,
                           int32_t count) {
  const struct attention_backward_args *a = u->a;
  struct seen seen[STRIP];
  int32_t begin = count, end = 0;
  for (int32_t i = 0; i < STRIP; i++) {
    const int32_t r = first_row + row + i;
    seen[i] = (struct seen){0, 0};
    if (r >= u->rows) continue;
    const int32_t token = r / u->per_group;
    const struct seen all = keys_seen(u->position + token, a->keys, a->window, u->first ? u->first[token] : 0);
    seen[i].begin = smaller(larger(all.begin - key, 0), count);
    seen[i].end = larger(smaller(all.end - key, count), seen[i].begin);
    if (seen[i].begin == seen[i].end) continue;
    begin = smaller(begin, seen[i].begin);
    end = larger(end, seen[i].end);
  }
  const struct range keys = begin < end ? (struct range){begin / LANES * LANES, round_up(end, LANES)}
                                        : (struct range){0, 0};
  w->strips[row / STRIP] = keys;

  for (int32_t j = keys.begin; j < keys.end; j += LANES) {
    score_products(w->q + row * STRIDE, a->row_block, a->size, w->kt + j, w->weights + row * STRIDE + j);
    score_products(w->dy + row * STRIDE, a->row_block, a->size, w->vt + j, w->buffer + j);
  }
  for (int32_t i = 0; i < STRIP; i++) {
    const int32_t r = first_row + row + i;
    const float l = r < u->rows ? *row_at(&u->log_sum_exp, r) : 0, d = r < u->rows ? *row_at(&u->dy_y, r) : 0;
    differentiate(w->weights + (row + i) * STRIDE, w->dscores + (row + i) * STRIDE, w->buffer + i * STRIDE, keys,
                  seen[i], l, d);
  }
  if (keys.begin == keys.end) return;
  for (int32_t c = 0; c < a->size; c += LANES) {
    set_products(w->dscores + row * STRIDE + keys.begin,
                 w->k + (c / STRIDE * STRIDE + keys.begin) * STRIDE + c % STRIDE, keys.end - keys.begin, w->buffer);
    for (int32_t i = 0; i < STRIP && first_row + row + i < u->rows; i++) {
      float *dq = row_at(&u->dq, first_row + row + i) + c;
      const float *sum = w->buffer + i * STRIDE;
      if (a->size - c >= LANES) {
        store4(dq, wasm_f32x4_add(load4(dq), load4(sum)));
        store4(dq + 4, wasm_f32x4_add(load4(dq + 4), load4(sum + 4)));
      } else {
        for (int32_t e = 0; e < a->size - c; e++) dq[e] += sum[e];
      }
    }
  }
}

/* A row of `across` tiles of `height` rows. */
static void zero_row(float *tile, int32_t height, int32_t across) {
  for (int32_t c = 0; c < across; c++) fill_floats(tile + c * height * STRIDE, 0, STRIDE);
}

/* The rows [first_row, end_row) against a packed key tile. */
static void block_backward(const struct unit *u, const struct workspace *w, int32_t first_row, int32_t end_row,
                           int32_t key, int32_t count) {
  const struct attention_backward_args *a = u->a;
  const int32_t rows = end_row - first_row, strips = (rows + STRIP - 1) / STRIP, across = tiles_across(a->size);
  for (int32_t r = 0; r < strips * STRIP; r++) {
    if (r < rows) {
      pack_row(w->q + r * STRIDE, a->row_block, row_at(&u->q, first_row + r), a->size, 1);
      pack_row(w->dy + r * STRIDE, a->row_block, row_at(&u->dy, first_row + r), a->size, 1);
    } else {
      zero_row(w->q + r * STRIDE, a->row_block, across);
      zero_row(w->dy + r * STRIDE, a->row_block, across);
    }
  }
  for (int32_t s = 0; s < strips; s++) strip_backward(u, w, first_row, s * STRIP, key, count);

  for (int32_t j = 0; j < count; j += STRIP) {
    int32_t first = 0, end = strips; /* the strips of rows with scores for these keys */
    while (first < end && (w->strips[first].end <= j || w->strips[first].begin >= j + STRIP)) first++;
    while (end > first && (w->strips[end - 1].end <= j || w->strips[end - 1].begin >= j + STRIP)) end--;
    const int32_t r = first * STRIP, depth = (end - first) * STRIP;
    if (depth == 0) continue;
    for (int32_t c = 0; c < a->size; c += LANES) {
      const int32_t right = (c / STRIDE * a->row_block + r) * STRIDE + c % STRIDE;
      const int32_t to = (c / STRIDE * KEY_ROWS + j) * STRIDE + c % STRIDE;
      add_transposed_products(w->weights + r * STRIDE + j, w->dy + right, depth, w->dv + to);
      add_transposed_products(w->dscores + r * STRIDE + j, w->q + right, depth, w->dk + to);
    }
  }
}

/* to = tile row times factor, `size` floats. */
static void write_row(float *to, const float *tile, int32_t size, float factor) {
  const v128_t f = wasm_f32x4_splat(factor);
  for (int32_t c = 0; c < size; c += 4) {
    const v128_t v = wasm_f32x4_mul(load4(tile + c / STRIDE * KEY_ROWS * STRIDE + c % STRIDE), f);
    if (size - c >= 4) store4(to + c, v);
    else store_some(to + c, v, size - c);
  }
}

/* Whether any of the tokens may see a key before `end`. */
static int any_begins_before(const int32_t *first, int32_t token, int32_t end_token, int32_t end) {
  for (; token < end_token; token++)
    if (first[token] < end) return 1;
  return 0;
}

/* dk and dv of the keys [key, key + count), and what they add to dq. */
static void key_tile_backward(const struct unit *u, const struct workspace *w, int32_t key, int32_t count) {
  const struct attention_backward_args *a = u->a;
  const int32_t across = tiles_across(a->size);
  /* The tokens that see any of these keys. */
  int64_t first_token = key - u->position, end_token = a->queries;
  if (a->window > 0) end_token = key + count - 1 - u->position + a->window;
  if (first_token < 0) first_token = 0;
  if (end_token > a->queries) end_token = a->queries;
  const int32_t element = u->first_key_element + key * u->key_stride;
  fill_floats(w->dk, 0, across * KEY_ROWS * STRIDE);
  fill_floats(w->dv, 0, across * KEY_ROWS * STRIDE);
  if (first_token < end_token) {
    pack_transposed(w->kt, a->k + element, u->key_stride, count, a->size, a->scale * LOG2_E);
    pack_transposed(w->vt, a->v + element, u->key_stride, count, a->size, 1);
    for (int32_t j = 0; j < count; j++)
      pack_row(w->k + j * STRIDE, STRIDE, a->k + element + j * u->key_stride, a->size, a->scale);
    for (int32_t j = count; j < round_up(count, LANES); j++) zero_row(w->k + j * STRIDE, STRIDE, across);
    const int32_t end_row = (int32_t)end_token * u->per_group;
    for (int32_t row = (int32_t)first_token * u->per_group; row < end_row; row += a->row_block) {
      const int32_t end = smaller(row + a->row_block, end_row);
      if (u->first && !any_begins_before(u->first, row / u->per_group, (end - 1) / u->per_group + 1, key + count))
        continue;
      block_backward(u, w, row, end, key, count);
    }
  }
  for (int32_t j = 0; j < count; j++) {
    write_row(a->dk + element + j * u->key_stride, w->dk + j * STRIDE, a->size, a->scale);
    write_row(a->dv + element + j * u->key_stride, w->dv + j * STRIDE, a->size, 1);
  }
}

/* Part `split` of one batch and group. */
static void unit_backward(const struct attention_backward_args *a, const struct workspace *w, int32_t pair,
                          int32_t split) {
  const int32_t batch = pair / a->groups, group = pair % a->groups, per_group = a->heads / a->groups;
  const int32_t first_head = batch * a->queries * a->heads + group * per_group, token_stride = a->heads * a->size;
  float *dq = a->splits > 1 ? a->partial_dq + split * (a->batch * a->queries * token_stride) : a->dq;
  const struct rows q = {(float *)a->q + first_head * a->size, per_group, token_stride, a->size};
  struct unit u = {.a = a,
                   .q = q,
                   .dy = q,
                   .dq = q,
                   .log_sum_exp = {(float *)a->log_sum_exp + first_head, per_group, a->heads, 1},
                   .position = a->position ? a->position[batch * a->position_step] : a->keys - a->queries,
                   .first = a->first ? a->first + batch * a->queries : 0,
                   .key_stride = a->groups * a->size,
                   .per_group = per_group,
                   .rows = a->queries * per_group};
  u.dy.first = (float *)a->dy + first_head * a->size;
  u.dq.first = dq + first_head * a->size;
  u.dy_y = u.log_sum_exp;
  u.dy_y.first = a->dy_y + first_head;
  u.first_key_element = batch * a->keys * u.key_stride + group * a->size;
  for (int32_t r = 0; r < u.rows; r++) fill_floats(row_at(&u.dq, r), 0, a->size);
  for (int32_t key = split * STRIDE; key < a->keys; key += a->splits * STRIDE)
    key_tile_backward(&u, w, key, smaller(STRIDE, a->keys - key));
}

/*
 * dy y of four rows. Each sum runs over the columns in order, as the products of a tile do: where a row sees one key,
 * y is its value, and ds = p (dy v - dy y) is then exactly 0.
 */
static v128_t four_dots(const float *const dy[4], const float *const y[4], int32_t n) {
  v128_t sum = wasm_f32x4_const_splat(0);
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) {
    v128_t d[4] = {load4(dy[0] + i), load4(dy[1] + i), load4(dy[2] + i), load4(dy[3] + i)};
    v128_t v[4] = {load4(y[0] + i), load4(y[1] + i), load4(y[2] + i), load4(y[3] + i)};
    transpose4(d);
    transpose4(v);
    for (int32_t j = 0; j < 4; j++) sum = madd(d[j], v[j], sum);
  }
  for (; i < n; i++)
    sum = madd(wasm_f32x4_make(dy[0][i], dy[1][i], dy[2][i], dy[3][i]),
               wasm_f32x4_make(y[0][i], y[1][i], y[2][i], y[3][i]), sum);
  return sum;
}

/* dy_y of the rows [begin, end). */
static void all_dots(const struct attention_backward_args *a, int32_t begin, int32_t end) {
  for (int32_t r = begin; r < end; r += 4) {
    const float *dy[4], *y[4];
    for (int32_t i = 0; i < 4; i++) {
      const int32_t row = smaller(r + i, end - 1) * a->size;
      dy[i] = a->dy + row;
      y[i] = a->y + row;
    }
    const v128_t sums = four_dots(dy, y, a->size);
    if (end - r >= 4) store4(a->dy_y + r, sums);
    else store_some(a->dy_y + r, sums, end - r);
  }
}

KERNEL(attention_backward) {
  const int32_t across = tiles_across(a->size), all_rows = a->batch * a->queries * a->heads;
  const struct range mine = part(all_rows, 1, thread, threads);
  all_dots(a, mine.begin, mine.end);
  barrier(thread, threads);

  struct workspace w;
  float *free = thread_scratch(thread);
  w.buffer = free, free += STRIP * STRIDE;
  w.kt = free, free += across * STRIDE * STRIDE;
  w.vt = free, free += across * STRIDE * STRIDE;
  w.k = free, free += across * STRIDE * STRIDE;
  w.dk = free, free += across * KEY_ROWS * STRIDE;
  w.dv = free, free += across * KEY_ROWS * STRIDE;
  w.q = free, free += across * a->row_block * STRIDE;
  w.dy = free, free += across * a->row_block * STRIDE;
  w.weights = free, free += a->row_block * STRIDE;
  w.dscores = free, free += a->row_block * STRIDE + KEY_ROWS - STRIDE; /* the last strip of keys reads beyond a row */
  w.strips = (struct range *)free;
  const int32_t pairs = a->batch * a->groups;
  for (int32_t unit; (unit = claim(0)) < pairs * a->splits;) unit_backward(a, &w, unit % pairs, unit / pairs);

  if (a->splits == 1) return;
  barrier(thread, threads);
  const int32_t count = all_rows * a->size;
  const struct range out = part(count, 16, thread, threads);
  for (int32_t i = out.begin; i < out.end; i += 4) {
    v128_t sum = wasm_f32x4_const_splat(0);
    const int32_t here = smaller(out.end - i, 4);
    for (int32_t s = 0; s < a->splits; s++) {
      const float *from = a->partial_dq + s * count + i;
      sum = wasm_f32x4_add(sum, here == 4 ? load4(from) : load_some(from, here));
    }
    if (here == 4) store4(a->dq + i, sum);
    else store_some(a->dq + i, sum, here);
  }
}

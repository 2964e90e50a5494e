/*
 * attention_few: attention.c for a handful of query rows a group (decoding), where packing keys would cost more than it
 * saves. Reads keys and values in place, once a row; chunks of keys are independent, so that one long sequence keeps
 * all threads busy, and are merged in order.
 */
#include "../runtime/kernel.h"
#include "attention-tile.h"

#define CHUNK 128 /* keys; what a thread takes at a time */

struct attention_few_args {
  const float *q;
  const float *k;
  const float *v;
  const int32_t *position;
  const int32_t *first; /* key of each [batch, queries]; 0: the first of all */
  float *y;
  float *log_sum_exp;
  float *partial;
  int32_t batch;
  int32_t queries;
  int32_t keys;
  int32_t heads;
  int32_t groups;
  int32_t size;
  int32_t window;
  int32_t position_step; /* 1: a position for each batch */
  float scale;
};

/* A partial result of a row: [maximum in units of log 2, sum, 0, 0, `size` floats up to a multiple of 4]. */
#define HEADER 4

static inline int32_t partial_floats(int32_t size) { return HEADER + round_up(size, 4); }

static inline v128_t load_up_to_4(const float *p, int32_t n) { return n >= 4 ? load4(p) : load_some(p, n); }

/* scores[j] = factor * q k[j] for 4 keys, `stride` floats apart. */
static v128_t four_scores(const float *q, const float *k, int32_t stride, int32_t size) {
  const v128_t zero = wasm_f32x4_const_splat(0);
  v128_t s[4] = {zero, zero, zero, zero};
  int32_t c = 0;
  for (; c + 4 <= size; c += 4) {
    const v128_t x = load4(q + c);
    for (int32_t i = 0; i < 4; i++) s[i] = madd(x, load4(k + i * stride + c), s[i]);
  }
  if (c < size) {
    const v128_t x = load_some(q + c, size - c);
    for (int32_t i = 0; i < 4; i++) s[i] = madd(x, load_some(k + i * stride + c, size - c), s[i]);
  }
  transpose4(s);
  return wasm_f32x4_add(wasm_f32x4_add(s[0], s[2]), wasm_f32x4_add(s[1], s[3]));
}

/* Scores of `count` keys, -infinity up to a multiple of 4. */
static void chunk_scores(float *scores, const float *q, const float *k, int32_t stride, int32_t size, int32_t count,
                         float factor) {
  const v128_t f = wasm_f32x4_splat(factor);
  int32_t j = 0;
  for (; j + 4 <= count; j += 4) store4(scores + j, wasm_f32x4_mul(four_scores(q, k + j * stride, stride, size), f));
  if (j == count) return;
  store4(scores + j, wasm_f32x4_const_splat(-__builtin_inff()));
  /* One key at a time: stride 0 reads no key beyond the last. */
  for (; j < count; j++) scores[j] = wasm_f32x4_extract_lane(four_scores(q, k + j * stride, 0, size), 0) * factor;
}

/* out = sum of weights[j] * v[j]. */
static void chunk_values(float *out, const float *weights, const float *v, int32_t stride, int32_t size,
                         int32_t count) {
  int32_t c = 0;
  for (; c + 16 <= size; c += 16) {
    v128_t s0 = wasm_f32x4_const_splat(0), s1 = s0, s2 = s0, s3 = s0;
    const float *value = v + c;
    for (int32_t j = 0; j < count; j++, value += stride) {
      const v128_t p = wasm_v128_load32_splat(weights + j);
      s0 = madd(p, load4(value), s0);
      s1 = madd(p, load4(value + 4), s1);
      s2 = madd(p, load4(value + 8), s2);
      s3 = madd(p, load4(value + 12), s3);
    }
    store4(out + c, s0), store4(out + c + 4, s1), store4(out + c + 8, s2), store4(out + c + 12, s3);
  }
  for (; c < size; c += 4) {
    v128_t sum = wasm_f32x4_const_splat(0);
    for (int32_t j = 0; j < count; j++)
      sum = madd(wasm_v128_load32_splat(weights + j), load_up_to_4(v + j * stride + c, size - c), sum);
    store4(out + c, sum);
  }
}

/* One row over the keys of a chunk that it sees. */
static void row_of_chunk(float *partial, float *scores, const float *q, const float *k, const float *v, int32_t stride,
                         int32_t size, int32_t count, float factor) {
  chunk_scores(scores, q, k, stride, size, count, factor);
  float max = LOWEST;
  for (int32_t j = 0; j < count; j++) max = max < scores[j] ? scores[j] : max;
  const v128_t m = wasm_f32x4_splat(max);
  v128_t sum = wasm_f32x4_const_splat(0);
  for (int32_t j = 0; j < count; j += 4) {
    const v128_t p = exp2_4(wasm_f32x4_sub(load4(scores + j), m));
    store4(scores + j, p);
    sum = wasm_f32x4_add(sum, p);
  }
  partial[0] = max;
  partial[1] = sum4(sum);
  chunk_values(partial + HEADER, scores, v, stride, size, count);
}

/* Adds up the partial results of a row, in the order of the keys. */
static void merge(const struct attention_few_args *a, const float *partial, int32_t step, int32_t chunks, float *y,
                  float *log_sum_exp) {
  float max = LOWEST, sum = 0;
  for (int32_t i = 0; i < chunks; i++) max = max < partial[i * step] ? partial[i * step] : max;
  for (int32_t c = 0; c < a->size; c += 4) {
    v128_t total = wasm_f32x4_const_splat(0);
    sum = 0;
    for (int32_t i = 0; i < chunks; i++) {
      const float *p = partial + i * step;
      if (p[1] == 0) continue; /* a chunk that the row does not see has no values */
      const v128_t factor = exp2_4(wasm_f32x4_splat(p[0] - max));
      sum += p[1] * wasm_f32x4_extract_lane(factor, 0);
      total = madd(load4(p + HEADER + c), factor, total);
    }
    const v128_t v = wasm_f32x4_mul(total, wasm_f32x4_splat(sum == 0 ? 0 : 1 / sum));
    if (a->size - c >= 4) store4(y + c, v);
    else store_some(y + c, v, a->size - c);
  }
  *log_sum_exp = sum == 0 ? -__builtin_inff() : log_sum(max, sum);
}

KERNEL(attention_few) {
  const int32_t per_group = a->heads / a->groups, rows = a->queries * a->heads, chunks = (a->keys + CHUNK - 1) / CHUNK;
  const int32_t floats = partial_floats(a->size), key_stride = a->groups * a->size;
  float *scores = thread_scratch(thread);

  const int32_t pairs = a->batch * a->groups;
  for (int32_t unit; (unit = claim(0)) < pairs * chunks;) {
    const int32_t batch = unit % pairs / a->groups, group = unit % a->groups;
    const int32_t chunk = unit / pairs, first = chunk * CHUNK;
    const int32_t element = batch * a->keys * key_stride + group * a->size;
    const int64_t position = a->position ? a->position[batch * a->position_step] : a->keys - a->queries;
    for (int32_t t = 0; t < a->queries; t++) {
      const int32_t lowest = a->first ? a->first[batch * a->queries + t] : 0;
      const struct seen all = keys_seen(position + t, a->keys, a->window, lowest);
      const int32_t begin = larger(all.begin, first), count = smaller(all.end, first + CHUNK) - begin;
      for (int32_t h = 0; h < per_group; h++) {
        const int32_t row = (batch * a->queries + t) * a->heads + group * per_group + h;
        float *partial = a->partial + (chunk * a->batch * rows + row) * floats;
        partial[0] = LOWEST, partial[1] = 0;
        if (count > 0)
          row_of_chunk(partial, scores, a->q + row * a->size, a->k + element + begin * key_stride,
                       a->v + element + begin * key_stride, key_stride, a->size, count, a->scale * LOG2_E);
      }
    }
  }
  barrier(thread, threads);
  const struct range mine = part(a->batch * rows, 1, thread, threads);
  for (int32_t row = mine.begin; row < mine.end; row++)
    merge(a, a->partial + row * floats, a->batch * rows * floats, chunks, a->y + row * a->size, a->log_sum_exp + row);
}

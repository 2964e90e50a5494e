/*
 * attention_few: attention.c for a handful of query rows a group (decoding), where packing keys would cost more than it
 * saves. Reads keys and values in place, once a row; chunks of keys are independent, so that one long sequence keeps
 * all threads busy, and are merged in order.
 */
#include "../runtime/kernel.h"
#include "attention-tile.h"

#define CHUNK 128       /* keys; what a thread takes at a time */
#define VALUES 8        /* keys at a time whose values are added up */
#define MOST_HEADS 2048 /* whose scores fit the scratch memory of a thread */
_Static_assert(MOST_HEADS * CHUNK * sizeof(float) <= THREAD_SCRATCH_BYTES, "scores must fit");

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

/* Heads that share keys lie together, and so do their rows of scores; `step` floats from partial to partial. */
struct heads {
  int32_t groups, per_group, size, key_stride, step;
};

/*
 * The scores of `count` keys for all heads, -infinity up to a multiple of 4. Four keys at a time for one head after the
 * other, so that keys are read along memory.
 */
static void chunk_scores(const struct heads *heads, float *scores, const float *q, const float *k, int32_t count,
                         float factor) {
  const v128_t f = wasm_f32x4_splat(factor);
  const int32_t size = heads->size, stride = heads->key_stride;
  for (int32_t j = 0; j < count; j += 4) {
    const float *query = q, *key = k + j * stride;
    float *to = scores + j;
    for (int32_t g = 0; g < heads->groups; g++, key += size)
      for (int32_t h = 0; h < heads->per_group; h++, query += size, to += CHUNK) {
        if (j + 4 <= count) {
          store4(to, wasm_f32x4_mul(four_scores(query, key, stride, size), f));
          continue;
        }
        store4(to, wasm_f32x4_const_splat(-__builtin_inff()));
        /* One key at a time: stride 0 reads no key beyond the last. */
        for (int32_t i = 0; i < count - j; i++)
          to[i] = wasm_f32x4_extract_lane(four_scores(query, key + i * stride, 0, size), 0) * factor;
      }
  }
}

/* Turns the scores of a head into weights, and tells their maximum and sum. */
static void chunk_weights(float *partial, float *scores, int32_t count) {
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
}

/* out = sum of weights[j] * v[j], or out += it. */
static void add_values(float *out, const float *weights, const float *v, int32_t stride, int32_t size, int32_t count,
                       int add) {
  const v128_t zero = wasm_f32x4_const_splat(0);
  int32_t c = 0;
  for (; c + 16 <= size; c += 16) {
    float *to = out + c;
    v128_t s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    if (add) s0 = load4(to), s1 = load4(to + 4), s2 = load4(to + 8), s3 = load4(to + 12);
    const float *value = v + c;
    for (int32_t j = 0; j < count; j++, value += stride) {
      const v128_t p = wasm_v128_load32_splat(weights + j);
      s0 = madd(p, load4(value), s0);
      s1 = madd(p, load4(value + 4), s1);
      s2 = madd(p, load4(value + 8), s2);
      s3 = madd(p, load4(value + 12), s3);
    }
    store4(to, s0), store4(to + 4, s1), store4(to + 8, s2), store4(to + 12, s3);
  }
  for (; c < size; c += 4) {
    v128_t sum = add ? load4(out + c) : zero;
    for (int32_t j = 0; j < count; j++)
      sum = madd(wasm_v128_load32_splat(weights + j), load_up_to_4(v + j * stride + c, size - c), sum);
    store4(out + c, sum);
  }
}

/* The values of a few keys at a time for one head after the other, for the same reason. */
static void chunk_values(const struct heads *heads, float *partial, const float *weights, const float *v,
                         int32_t count) {
  const int32_t size = heads->size, stride = heads->key_stride;
  for (int32_t j = 0; j < count; j += VALUES) {
    const float *value = v + j * stride, *own = weights + j;
    float *out = partial + HEADER;
    for (int32_t g = 0; g < heads->groups; g++, value += size)
      for (int32_t h = 0; h < heads->per_group; h++, out += heads->step, own += CHUNK)
        add_values(out, own, value, stride, size, smaller(VALUES, count - j), j > 0);
  }
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

  /* As many groups at a time as leave each thread a share, so that runs of memory are long. */
  int32_t together = threads == 1 ? a->groups : larger(a->groups / threads, 1);
  together = larger(smaller(together, MOST_HEADS / per_group), 1);
  const int32_t slabs = (a->groups + together - 1) / together, parts = a->batch * slabs;
  for (int32_t unit; (unit = claim(0)) < parts * chunks;) {
    const int32_t batch = unit % parts / slabs, group = unit % slabs * together;
    const int32_t chunk = unit / parts, first = chunk * CHUNK;
    const int32_t element = batch * a->keys * key_stride + group * a->size;
    const int64_t position = a->position ? a->position[batch * a->position_step] : a->keys - a->queries;
    const struct heads heads = {smaller(together, a->groups - group), per_group, a->size, key_stride, floats};
    for (int32_t t = 0; t < a->queries; t++) {
      const int32_t lowest = a->first ? a->first[batch * a->queries + t] : 0;
      const struct seen all = keys_seen(position + t, a->keys, a->window, lowest);
      const int32_t begin = larger(all.begin, first), count = smaller(all.end, first + CHUNK) - begin;
      const int32_t row = (batch * a->queries + t) * a->heads + group * per_group;
      float *partial = a->partial + (chunk * a->batch * rows + row) * floats;
      if (count > 0)
        chunk_scores(&heads, scores, a->q + row * a->size, a->k + element + begin * key_stride, count,
                     a->scale * LOG2_E);
      for (int32_t h = 0; h < heads.groups * per_group; h++) {
        float *own = partial + h * floats;
        own[0] = LOWEST, own[1] = 0;
        if (count > 0) chunk_weights(own, scores + h * CHUNK, count);
      }
      if (count > 0) chunk_values(&heads, partial, scores, a->v + element + begin * key_stride, count);
    }
  }
  barrier(thread, threads);
  const struct range mine = part(a->batch * rows, 1, thread, threads);
  for (int32_t row = mine.begin; row < mine.end; row++)
    merge(a, a->partial + row * floats, a->batch * rows * floats, chunks, a->y + row * a->size, a->log_sum_exp + row);
}

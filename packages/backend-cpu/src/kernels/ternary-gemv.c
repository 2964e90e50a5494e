/*
 * ternary_gemv: sums of int8 values times ternary channels, 2 bits a weight, and then the scales. A thread takes a share of
 * a row's active channels, eight channels at a time over all outputs, so that it reads whole channels one after the other;
 * the sums of the shares are integers, so that they do not depend on who made them.
 *
 * Byte b of a block of 64 holds the codes (weight + 1) of outputs b, 64 + b, 128 + b, 192 + b. Codes are added up as they
 * are, modulo 2^16: the sum of the values is what they are too large by, and without it they fit 16 bits as long as the
 * magnitudes of the values do together. From there on sums go to 32 bits.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

#define CHANNELS 8 /* at a time */
#define MOST_SUM 32767 /* what the values of channels may come to, so that their sums fit 16 bits */
#define SECTION 256 /* blocks of outputs at a time */
#define BLOCK 256
#define BLOCK_BYTES 64

struct ternary_gemv_args {
  const int32_t *indices;
  const int8_t *values;
  const int32_t *count;
  const float *scale;
  const uint8_t *w;
  const float *scales;
  const float *add;
  float *y;
  int32_t rows;
  int32_t keep;
  int32_t inputs;
  int32_t outputs;
};

/* Channels and their values, the last ones filled up with the value 0. */
struct group {
  const uint8_t *channel[CHANNELS];
  int32_t value[CHANNELS];
};

#ifdef __wasm_relaxed_simd__

/* Two channels byte by byte: each pair of codes times its pair of values is one lane. */
static inline v128_t pair_of(int32_t first, int32_t second) {
  return wasm_i16x8_splat((int16_t)((first & 255) | (second & 255) << 8));
}

#define ADD_FIELD(low, high, shift)                                                                          \
  low = wasm_i16x8_add(low, wasm_i16x8_relaxed_dot_i8x16_i7x16(                                              \
                                pair, wasm_v128_and(wasm_u16x8_shr(left, shift), codes)));                   \
  high = wasm_i16x8_add(high, wasm_i16x8_relaxed_dot_i8x16_i7x16(                                            \
                                  pair, wasm_v128_and(wasm_u16x8_shr(right, shift), codes)))

static void add_group(const struct group *g, int16_t *sums, int32_t bytes) {
  const v128_t codes = wasm_i8x16_const_splat(3);
  v128_t pairs[CHANNELS / 2];
  for (int32_t c = 0; c < CHANNELS / 2; c++) pairs[c] = pair_of(g->value[2 * c], g->value[2 * c + 1]);
  for (int32_t b = 0; b < bytes; b += 16) {
    int16_t *to = sums + b / BLOCK_BYTES * BLOCK + b % BLOCK_BYTES;
    v128_t s0 = wasm_v128_load(to), s1 = wasm_v128_load(to + 8);
    v128_t s2 = wasm_v128_load(to + 64), s3 = wasm_v128_load(to + 72);
    v128_t s4 = wasm_v128_load(to + 128), s5 = wasm_v128_load(to + 136);
    v128_t s6 = wasm_v128_load(to + 192), s7 = wasm_v128_load(to + 200);
#pragma unroll
    for (int32_t c = 0; c < CHANNELS / 2; c++) {
      const v128_t one = wasm_v128_load(g->channel[2 * c] + b), two = wasm_v128_load(g->channel[2 * c + 1] + b);
      const v128_t pair = pairs[c];
      const v128_t left = wasm_i8x16_shuffle(one, two, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const v128_t right =
          wasm_i8x16_shuffle(one, two, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      ADD_FIELD(s0, s1, 0);
      ADD_FIELD(s2, s3, 2);
      ADD_FIELD(s4, s5, 4);
      ADD_FIELD(s6, s7, 6);
    }
    wasm_v128_store(to, s0), wasm_v128_store(to + 8, s1);
    wasm_v128_store(to + 64, s2), wasm_v128_store(to + 72, s3);
    wasm_v128_store(to + 128, s4), wasm_v128_store(to + 136, s5);
    wasm_v128_store(to + 192, s6), wasm_v128_store(to + 200, s7);
  }
}

#else

#define ADD_FIELD(low, high, shift)                                                            \
  field = wasm_v128_and(wasm_u8x16_shr(four, shift), codes);                                   \
  low = wasm_i16x8_add(low, wasm_i16x8_mul(wasm_u16x8_extend_low_u8x16(field), value));        \
  high = wasm_i16x8_add(high, wasm_i16x8_mul(wasm_u16x8_extend_high_u8x16(field), value))

static void add_group(const struct group *g, int16_t *sums, int32_t bytes) {
  const v128_t codes = wasm_i8x16_const_splat(3);
  v128_t values[CHANNELS];
  for (int32_t c = 0; c < CHANNELS; c++) values[c] = wasm_i16x8_splat((int16_t)g->value[c]);
  for (int32_t b = 0; b < bytes; b += 16) {
    int16_t *to = sums + b / BLOCK_BYTES * BLOCK + b % BLOCK_BYTES;
    v128_t s0 = wasm_v128_load(to), s1 = wasm_v128_load(to + 8);
    v128_t s2 = wasm_v128_load(to + 64), s3 = wasm_v128_load(to + 72);
    v128_t s4 = wasm_v128_load(to + 128), s5 = wasm_v128_load(to + 136);
    v128_t s6 = wasm_v128_load(to + 192), s7 = wasm_v128_load(to + 200);
    for (int32_t c = 0; c < CHANNELS; c++) {
      const v128_t four = wasm_v128_load(g->channel[c] + b), value = values[c];
      v128_t field;
      ADD_FIELD(s0, s1, 0);
      ADD_FIELD(s2, s3, 2);
      ADD_FIELD(s4, s5, 4);
      ADD_FIELD(s6, s7, 6);
    }
    wasm_v128_store(to, s0), wasm_v128_store(to + 8, s1);
    wasm_v128_store(to + 64, s2), wasm_v128_store(to + 72, s3);
    wasm_v128_store(to + 128, s4), wasm_v128_store(to + 136, s5);
    wasm_v128_store(to + 192, s6), wasm_v128_store(to + 200, s7);
  }
}

#endif

static void clear(void *memory, int32_t bytes) {
  char *at = memory;
  for (int32_t i = 0; i < bytes; i += 16) wasm_v128_store(at + i, wasm_i32x4_const_splat(0));
}

/* What a thread has of a row and section: 16-bit sums since the last flush, in 32 bits those before it, if there was one. */
struct share {
  int16_t parts[SECTION * BLOCK];
  int32_t sums[SECTION * BLOCK];
  int32_t excess; /* of the parts: the sum of the values, modulo 2^16 */
  int32_t flushed;
  int32_t broken; /* an index lies outside of w */
};
#define TURNS 2
_Static_assert(TURNS * sizeof(struct share) <= THREAD_SCRATCH_BYTES, "the sums of a section must fit");

/* Four 16-bit sums from i on, without their excess. */
static inline v128_t parts4(const struct share *s, int32_t i) {
  const v128_t part = wasm_i16x8_sub(wasm_v128_load64_zero(s->parts + i), wasm_i16x8_splat((int16_t)s->excess));
  return wasm_i32x4_extend_low_i16x8(part);
}

static void flush(struct share *s, int32_t n) {
  for (int32_t i = 0; i < n; i += 4) {
    const v128_t part = parts4(s, i);
    wasm_v128_store(s->sums + i, s->flushed ? wasm_i32x4_add(wasm_v128_load(s->sums + i), part) : part);
  }
  clear(s->parts, n * 2);
  s->excess = 0;
  s->flushed = 1;
}

/* The sums of the channels of list entries `mine` over `blocks` blocks of outputs from byte `first` of a channel on. */
static void sum_share(const struct ternary_gemv_args *a, int32_t row, struct range mine, int32_t first, int32_t blocks,
                      struct share *s) {
  const int32_t stride = (a->outputs + BLOCK - 1) / BLOCK * BLOCK_BYTES, n = blocks * BLOCK;
  const int32_t *indices = a->indices + row * a->keep;
  const int8_t *values = a->values + row * a->keep;
  int32_t size = 0;
  clear(s->parts, n * 2);
  s->excess = s->flushed = s->broken = 0;
  for (int32_t j = mine.begin; j < mine.end; j += CHANNELS) {
    struct group g;
    int32_t excess = 0, more = 0;
    for (int32_t c = 0; c < CHANNELS; c++) {
      const int listed = j + c < mine.end, there = listed && (uint32_t)indices[j + c] < (uint32_t)a->inputs;
      const int32_t value = there ? values[j + c] : 0;
      g.channel[c] = a->w + (size_t)(there ? indices[j + c] : 0) * (size_t)stride + first;
      g.value[c] = value;
      excess += value;
      more += value < 0 ? -value : value;
      s->broken |= listed && !there;
    }
    if (size + more > MOST_SUM) {
      flush(s, n);
      size = 0;
    }
    size += more;
    s->excess += excess;
    add_group(&g, s->parts, blocks * BLOCK_BYTES);
  }
}

/* Threads first .. first + count - 1 share a row. */
struct team {
  int first, count;
};

static inline struct share *share_of(int thread, int turn) { return (struct share *)thread_scratch(thread) + turn; }

/* Shares of a team lie THREAD_SCRATCH_BYTES apart. */
struct scaling {
  const float *scales;
  float scale;
  const struct share *shares;
  int count;
  int flushed; /* one of them is */
};

static inline const struct share *next_share(const struct share *share) {
  return (const struct share *)((const char *)share + THREAD_SCRATCH_BYTES);
}

static inline v128_t scale4(const struct scaling *s, v128_t sum, v128_t scales) {
  return wasm_f32x4_mul(wasm_f32x4_convert_i32x4(sum), wasm_f32x4_mul(scales, wasm_f32x4_splat(s->scale)));
}

/* Four outputs from i on: the sums of the team. */
static inline v128_t sums4(const struct scaling *s, int32_t i) {
  const struct share *share = s->shares;
  v128_t sum = wasm_i32x4_const_splat(0);
  for (int t = 0; t < s->count; t++, share = next_share(share)) {
    sum = wasm_i32x4_add(sum, parts4(share, i));
    if (share->flushed) sum = wasm_i32x4_add(sum, wasm_v128_load(share->sums + i));
  }
  return sum;
}

/* y = sums of the team, in floating point and scaled, and `add`. */
static void finish(const struct scaling *s, struct range r, const float *add, float *y) {
  int32_t i = r.begin;
  if (!s->flushed)
    for (; i + 8 <= r.end; i += 8) {
      const struct share *share = s->shares;
      v128_t low = wasm_i32x4_const_splat(0), high = low;
      for (int t = 0; t < s->count; t++, share = next_share(share)) {
        const v128_t excess = wasm_v128_load16_splat(&share->excess);
        const v128_t part = wasm_i16x8_sub(wasm_v128_load(share->parts + i), excess);
        low = wasm_i32x4_add(low, wasm_i32x4_extend_low_i16x8(part));
        high = wasm_i32x4_add(high, wasm_i32x4_extend_high_i16x8(part));
      }
      low = scale4(s, low, load4(s->scales + i));
      high = scale4(s, high, load4(s->scales + i + 4));
      store4(y + i, add ? wasm_f32x4_add(low, load4(add + i)) : low);
      store4(y + i + 4, add ? wasm_f32x4_add(high, load4(add + i + 4)) : high);
    }
  for (; i + 4 <= r.end; i += 4) {
    const v128_t product = scale4(s, sums4(s, i), load4(s->scales + i));
    store4(y + i, add ? wasm_f32x4_add(product, load4(add + i)) : product);
  }
  /* The sums are there for whole blocks. */
  if (i == r.end) return;
  const v128_t product = scale4(s, sums4(s, i), load_some(s->scales + i, r.end - i));
  store_some(y + i, add ? wasm_f32x4_add(product, load_some(add + i, r.end - i)) : product, r.end - i);
}

KERNEL(ternary_gemv) {
  const int32_t all = (a->outputs + BLOCK - 1) / BLOCK;
  /* With rows enough for all a thread takes whole ones, and nobody waits. */
  const int alone = a->rows >= 2 * threads;
  const struct range rows = alone ? part(a->rows, 1, thread, threads) : (struct range){0, a->rows};
  const struct team team = alone ? (struct team){thread, 1} : (struct team){0, threads};
  int turn = 0;
  for (int32_t row = rows.begin; row < rows.end; row++) {
    const struct range mine = part(a->count[row], CHANNELS, thread - team.first, team.count);
    for (int32_t block = 0; block < all; block += SECTION, turn ^= 1) {
      const int32_t blocks = all - block < SECTION ? all - block : SECTION;
      /* Two shares in turn: those of the last turn may still be read by others. */
      sum_share(a, row, mine, block * BLOCK_BYTES, blocks, share_of(thread, turn));
      if (!alone) barrier(thread, threads);
      const struct share *shares = share_of(team.first, turn), *share = shares;
      int broken = 0, flushed = 0;
      for (int t = 0; t < team.count; t++, share = next_share(share)) {
        broken |= share->broken;
        flushed |= share->flushed;
      }
      const int32_t rest = a->outputs - block * BLOCK, n = rest < blocks * BLOCK ? rest : blocks * BLOCK;
      const float scale = broken ? __builtin_nanf("") : a->scale[row];
      const struct scaling scaling = {a->scales + block * BLOCK, scale, shares, team.count, flushed};
      const int32_t at = row * a->outputs + block * BLOCK;
      finish(&scaling, part(n, 16, thread - team.first, team.count), a->add ? a->add + at : 0, a->y + at);
    }
  }
}

/*
 * Exact selection: which k of n floats are largest in magnitude, ties to the lowest index. Magnitudes are compared as
 * the integers of their bits, which order like the numbers. The floats must be finite (largest_magnitude tells).
 *
 * Long runs: find_cut searches the magnitude that separates k from the rest by counting passes over the run, which
 * stays in the first cache; no sorting, no histogram. Short blocks: rank_blocks counts for each entry how many come
 * before it, four blocks at a time.
 */
#ifndef QSPARSE_SELECTION_H
#define QSPARSE_SELECTION_H

#include "../runtime/simd.h"

#define RANKED_BLOCK 16 /* longest block that is ranked rather than searched */
#define NOT_FINITE 0x7f800000

static inline v128_t magnitude4(v128_t x) { return wasm_v128_and(x, wasm_i32x4_const_splat(0x7fffffff)); }

static inline int32_t max4_i32(v128_t v) {
  const v128_t pairs = wasm_i32x4_max(v, wasm_i32x4_shuffle(v, v, 2, 3, 0, 1));
  return wasm_i32x4_extract_lane(wasm_i32x4_max(pairs, wasm_i32x4_shuffle(pairs, pairs, 1, 0, 3, 2)), 0);
}

static inline int32_t sum4_i32(v128_t v) {
  const v128_t pairs = wasm_i32x4_add(v, wasm_i32x4_shuffle(v, v, 2, 3, 0, 1));
  return wasm_i32x4_extract_lane(pairs, 0) + wasm_i32x4_extract_lane(pairs, 1);
}

static inline int32_t bits_of(float x) {
  const union {
    float f;
    int32_t i;
  } u = {x};
  return u.i;
}

static inline float float_of(int32_t bits) {
  const union {
    int32_t i;
    float f;
  } u = {bits};
  return u.f;
}

/* The magnitude bits of the largest of n floats; NOT_FINITE or more if one of them is not finite. */
static inline int32_t largest_magnitude(const float *x, int32_t n) {
  v128_t a = wasm_i32x4_const_splat(0), b = a;
  int32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    a = wasm_i32x4_max(a, magnitude4(load4(x + i)));
    b = wasm_i32x4_max(b, magnitude4(load4(x + i + 4)));
  }
  for (; i < n; i += 4) a = wasm_i32x4_max(a, magnitude4(n - i >= 4 ? load4(x + i) : load_some(x + i, n - i)));
  return max4_i32(wasm_i32x4_max(a, b));
}

/* What is known of a run: the sum of its magnitudes, the bits of the largest (NOT_FINITE or more: see above). */
struct magnitudes {
  float sum;
  int32_t largest;
};

static inline struct magnitudes magnitudes_of(const float *x, int32_t n) {
  v128_t sum = wasm_f32x4_const_splat(0), largest = sum;
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const v128_t m = magnitude4(load4(x + i));
    sum = wasm_f32x4_add(sum, m);
    largest = wasm_i32x4_max(largest, m);
  }
  const v128_t m = magnitude4(load_some(x + i, n - i));
  return (struct magnitudes){sum4(wasm_f32x4_add(sum, m)), max4_i32(wasm_i32x4_max(largest, m))};
}

/* ---- one long run ---- */

/* Keeps magnitudes of at least `above`, and the first `ties` of those that are above - 1. */
struct cut {
  int32_t above, ties;
};

/* What one run tells about the next: its cut and the width of one rank there, as parts of the mean magnitude. */
struct hint {
  float cut, width;
};

#define NO_HINT ((struct hint){0.9f, 0})

/* How many magnitudes are at least `least` (> 0). */
static inline int32_t count_from(const float *x, int32_t n, int32_t least) {
  const v128_t below = wasm_i32x4_splat(least - 1);
  v128_t a = wasm_i32x4_const_splat(0), b = a, c = a, d = a;
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) {
    a = wasm_i32x4_sub(a, wasm_i32x4_gt(magnitude4(load4(x + i)), below));
    b = wasm_i32x4_sub(b, wasm_i32x4_gt(magnitude4(load4(x + i + 4)), below));
    c = wasm_i32x4_sub(c, wasm_i32x4_gt(magnitude4(load4(x + i + 8)), below));
    d = wasm_i32x4_sub(d, wasm_i32x4_gt(magnitude4(load4(x + i + 12)), below));
  }
  for (; i < n; i += 4) /* lanes beyond the end are 0 and do not count */
    a = wasm_i32x4_sub(a, wasm_i32x4_gt(magnitude4(n - i >= 4 ? load4(x + i) : load_some(x + i, n - i)), below));
  return sum4_i32(wasm_i32x4_add(wasm_i32x4_add(a, b), wasm_i32x4_add(c, d)));
}

/*
 * The cut that keeps k (1 .. n - 1) of n. A secant search on the count, kept inside a bracket; usual are 4 or 5 passes.
 * When it does not get there soon it halves the bracket every second time, so that no data takes more than about 70.
 * `largest`: the bits of the largest magnitude; `mean`: the mean magnitude. The result does not depend on the hint,
 * only the number of passes does.
 */
static inline struct cut find_cut(const float *x, int32_t n, int32_t k, int32_t largest, float mean,
                                  struct hint *hint) {
  /* count_from(low) > k, count_from(high) < k */
  int32_t low = 0, low_count = n, high = largest + 1, high_count = 0;
  float pivot = hint->cut * mean, last_pivot = 0;
  int32_t last_count = n;
  for (int32_t pass = 0;; pass++) {
    if (high - low == 1) {
      hint->cut = mean > 0 ? float_of(low) / mean : hint->cut;
      return (struct cut){high, k - high_count};
    }
    int32_t at = bits_of(pivot);
    if (pass >= 8 && pass % 2 == 0) at = low + (high - low) / 2;
    else if (pass == 3 && low == 0) at = 1; /* more than n - k zeros? */
    if (at <= low) at = low + 1;
    if (at >= high) at = high - 1;
    const int32_t count = count_from(x, n, at);
    pivot = float_of(at);
    const float width = (pivot - last_pivot) / (float)(last_count - count);
    if (count == k) {
      hint->cut = pivot / mean;
      if (width > 0 && width < mean && pass > 0) hint->width = width / mean;
      return (struct cut){at, 0};
    }
    if (count > k) low = at, low_count = count;
    else high = at, high_count = count;

    const float step = pass == 0 && hint->width > 0 ? hint->width * mean : width;
    float next = pivot + (float)(count - k) * step;
    const int32_t inside = low_count - high_count;
    if ((inside <= 16 && low > 0) || !(next > float_of(low) && next < float_of(high))) {
      /* As if the magnitudes inside were evenly spread: into the gap after the first low_count - k of them. */
      const float part = ((float)(low_count - k) + 0.5f) / (float)(inside + 1);
      next = float_of(low) + (float_of(high) - float_of(low)) * part;
    }
    last_pivot = pivot, last_count = count;
    pivot = next;
  }
}

/* mask[i] = 1 for what the cut keeps, 0 else; uses up cut->ties. */
static inline void write_cut(float *mask, const float *x, int32_t n, struct cut *cut) {
  if (cut->ties > 0) {
    for (int32_t i = 0; i < n; i++) {
      const int32_t bits = bits_of(x[i]) & 0x7fffffff;
      mask[i] = bits >= cut->above || (bits == cut->above - 1 && cut->ties-- > 0) ? 1 : 0;
    }
    return;
  }
  const v128_t below = wasm_i32x4_splat(cut->above - 1), one = wasm_f32x4_const_splat(1);
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) store4(mask + i, wasm_v128_and(wasm_i32x4_gt(magnitude4(load4(x + i)), below), one));
  store_some(mask + i, wasm_v128_and(wasm_i32x4_gt(magnitude4(load_some(x + i, n - i)), below), one), n - i);
}

/* ---- short blocks ---- */

/* The masks of up to 4 blocks of `length` <= RANKED_BLOCK floats that follow each other. */
static inline void rank_blocks(float *mask, const float *x, int32_t blocks, int32_t length, int32_t k) {
  v128_t bits[RANKED_BLOCK], ahead[RANKED_BLOCK]; /* lane: block; how many entries come before this one */
  for (int32_t i = 0; i < length; i++) {
    v128_t v = wasm_v128_load32_zero(x + i);
    if (blocks > 1) v = wasm_v128_load32_lane(x + length + i, v, 1);
    if (blocks > 2) v = wasm_v128_load32_lane(x + 2 * length + i, v, 2);
    if (blocks > 3) v = wasm_v128_load32_lane(x + 3 * length + i, v, 3);
    bits[i] = magnitude4(v);
    ahead[i] = wasm_i32x4_splat(i);
  }
  for (int32_t i = 0; i < length; i++) {
    const v128_t mine = bits[i];
    v128_t before = ahead[i];
    for (int32_t j = i + 1; j < length; j++) {
      const v128_t larger = wasm_i32x4_gt(bits[j], mine); /* -1: the later one overtakes */
      before = wasm_i32x4_sub(before, larger);
      ahead[j] = wasm_i32x4_add(ahead[j], larger);
    }
    const v128_t kept = wasm_v128_and(wasm_i32x4_lt(before, wasm_i32x4_splat(k)), wasm_f32x4_const_splat(1));
    wasm_v128_store32_lane(mask + i, kept, 0);
    if (blocks > 1) wasm_v128_store32_lane(mask + length + i, kept, 1);
    if (blocks > 2) wasm_v128_store32_lane(mask + 2 * length + i, kept, 2);
    if (blocks > 3) wasm_v128_store32_lane(mask + 3 * length + i, kept, 3);
  }
}

#endif

/*
 * sample: draws one index a row: the largest logits first (equal ones by index), at most top_k of them, weights
 * exp((logit - largest) / temperature), the smallest prefix that reaches top_p of their sum, then a draw with Philox.
 * Weights and sums are float64. A row without a distribution (a NaN, +infinity, nothing but -infinity) gives -1.
 *
 * Rows of which all may be drawn are not sorted: weights are summed by bins of logits, and only the bin in which a sum is
 * reached is put in order. Sums in another order than the reference's differ in their last bits; where these could change
 * the token the row is sorted after all.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"
#include "max.h"
#include "philox.h"

struct sample_args {
  const float *logits;
  const int32_t *random;
  int32_t *y;
  void *workspace; /* [slots, 2, n] entries: a row that is worked on has one slot */
  int32_t rows;
  int32_t n;
  int32_t slots;
  int32_t top_k; /* 1 .. n */
  uint32_t temperature_low; /* the two words of a float64 */
  uint32_t temperature_high;
  uint32_t top_p_low;
  uint32_t top_p_high;
};

/* Sorts upward: the largest logit has the smallest key. */
struct entry {
  uint32_t key;
  int32_t index;
};

#define DIGIT_BITS 11
#define DIGITS 3 /* passes over a key of 32 bits */
#define BINS (1 << DIGIT_BITS)

static inline uint32_t key_of(float logit) {
  const float value = logit + 0.0f; /* -0 is equal to 0 */
  uint32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  return bits >> 31 ? bits : ~bits & 0x7fffffff;
}

static inline uint32_t digit_of(uint32_t key, int digit) { return key >> (digit * DIGIT_BITS) & (BINS - 1); }

static void zero(uint32_t *counts) {
  for (int32_t b = 0; b < BINS; b += 4) wasm_v128_store(counts + b, wasm_i32x4_const_splat(0));
}

/* Entries of at least the `keep` largest logits, in the order of their indices. Returns how many. */
static int32_t gather(const float *logits, int32_t n, int32_t keep, struct entry *out, uint32_t *counts) {
  uint32_t last = BINS; /* the highest leading digit that is needed */
  if (keep < n) {
    zero(counts);
    for (int32_t i = 0; i < n; i++) counts[digit_of(key_of(logits[i]), DIGITS - 1)]++;
    int64_t found = 0;
    for (last = 0; (found += counts[last]) < keep;) last++;
  }
  int32_t count = 0;
  for (int32_t i = 0; i < n; i++) {
    const uint32_t key = key_of(logits[i]);
    if (digit_of(key, DIGITS - 1) <= last) out[count++] = (struct entry){key, i};
  }
  return count;
}

/* Sorts `from` by key, entries of equal keys in their order; the result is in `to`, since the passes are odd. */
static void sort(struct entry *from, struct entry *to, int32_t count, uint32_t *counts) {
  for (int digit = 0; digit < DIGITS; digit++) {
    zero(counts);
    for (int32_t i = 0; i < count; i++) counts[digit_of(from[i].key, digit)]++;
    uint32_t next = 0;
    for (int32_t b = 0; b < BINS; b++) {
      const uint32_t size = counts[b];
      counts[b] = next;
      next += size;
    }
    for (int32_t i = 0; i < count; i++) to[counts[digit_of(from[i].key, digit)]++] = from[i];
    struct entry *swap = from;
    from = to;
    to = swap;
  }
}

static inline double double_of(uint64_t bits) {
  double value;
  __builtin_memcpy(&value, &bits, 8);
  return value;
}

static inline double double_power_of_two(int32_t exponent) { return double_of((uint64_t)(exponent + 1023) << 52); }

/* e to the x for x <= 0 in float64: x = k ln 2 + r, the series of e^r up to r^13 / 13! (|r| below 0.35: 1e-17). */
static double exp_of(double x) {
  if (x < -745.2) return 0;
  const double k = __builtin_rint(x * 1.4426950408889634);
  /* ln 2 in two parts; the first has enough trailing zeros to make k * part exact. */
  const double r = x - k * 0x1.62e42feep-1 - k * 0x1.a39ef35793c76p-33;
  double sum = 1.0 / 6227020800; /* 1 / 13! */
  sum = sum * r + 1.0 / 479001600;
  sum = sum * r + 1.0 / 39916800;
  sum = sum * r + 1.0 / 3628800;
  sum = sum * r + 1.0 / 362880;
  sum = sum * r + 1.0 / 40320;
  sum = sum * r + 1.0 / 5040;
  sum = sum * r + 1.0 / 720;
  sum = sum * r + 1.0 / 120;
  sum = sum * r + 1.0 / 24;
  sum = sum * r + 1.0 / 6;
  sum = sum * r + 0.5;
  sum = sum * r + 1;
  sum = sum * r + 1;
  const int32_t half = (int32_t)k / 2;
  return sum * double_power_of_two(half) * double_power_of_two((int32_t)k - half);
}

/* ---- all entries, in order ---- */

/* A row that has a distribution, and memory for [n] entries twice. */
struct row {
  const float *logits;
  struct entry *entries, *sorted;
  uint32_t *counts;
  double uniform, temperature, top_p;
  float largest;
};

static int32_t draw_sorted(const struct sample_args *a, const struct row *row) {
  const float *logits = row->logits, largest = row->largest;
  const double temperature = row->temperature, top_p = row->top_p, uniform = row->uniform;
  struct entry *entries = row->entries, *sorted = row->sorted;
  sort(entries, sorted, gather(logits, a->n, a->top_k, entries, row->counts), row->counts);
  double *weights = (double *)entries;
  double all = 0;
  for (int32_t i = 0; i < a->top_k; i++) {
    weights[i] = exp_of(((double)logits[sorted[i].index] - largest) / temperature);
    all += weights[i];
  }
  int32_t end = 0;
  double total = 0;
  while (end < a->top_k && (end == 0 || top_p == 1 || total < top_p * all)) total += weights[end++];
  double reached = 0;
  for (int32_t i = 0; i < end; i++) {
    reached += weights[i];
    if (reached > uniform * total) return sorted[i].index;
  }
  return sorted[end - 1].index;
}

/* ---- all entries, by bins ---- */

#define LOGIT_BINS 2048
#define LEAST_EXPONENT -40 /* of the weights that have bins apart */

/* What a thread has: the weights of its entries by bin. */
struct share {
  double sums[LOGIT_BINS];
  uint32_t counts[BINS];
};
_Static_assert(sizeof(struct share) <= THREAD_SCRATCH_BYTES, "bins must fit");

static inline struct share *share_of(int thread) { return thread_scratch(thread); }

/* Bins for a unit of logits, so that a smaller logit never has a lower bin. */
static float bins_of(const struct row *row, int32_t n) {
  v128_t least = wasm_f32x4_splat(row->largest);
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) least = wasm_f32x4_pmin(least, load4(row->logits + i));
  for (; i < n; i++) least = wasm_f32x4_pmin(least, wasm_v128_load32_splat(row->logits + i));
  const float most = (float)(-LEAST_EXPONENT * row->temperature);
  float range = 0;
  for (int32_t lane = 0; lane < 4; lane++) {
    const float below = row->largest - ((const float *)&least)[lane];
    range = range < below ? below : range;
  }
  range = range < most ? range : most;
  return range > 0 ? (LOGIT_BINS - 1) / range : 0;
}

static inline v128_t bin4(v128_t logits, v128_t largest, v128_t bins) {
  const v128_t at = wasm_f32x4_mul(wasm_f32x4_sub(largest, logits), bins);
  return wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_pmin(at, wasm_f32x4_const_splat(LOGIT_BINS - 1)));
}

/* exp_of to 1e-14, but for weights that no sum notices: those below e^-700 are that. */
static inline v128_t exp2_f64(v128_t x) {
  x = wasm_f64x2_pmax(x, wasm_f64x2_const_splat(-700)); /* NaN cannot be */
  const v128_t k = wasm_f64x2_nearest(wasm_f64x2_mul(x, wasm_f64x2_const_splat(1.4426950408889634)));
  v128_t r = wasm_f64x2_sub(x, wasm_f64x2_mul(k, wasm_f64x2_const_splat(0x1.62e42feep-1)));
  r = wasm_f64x2_sub(r, wasm_f64x2_mul(k, wasm_f64x2_const_splat(0x1.a39ef35793c76p-33)));
  static const double terms[] = {1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120,
                                 1.0 / 24,      1.0 / 6,      0.5,         1,          1};
  v128_t sum = wasm_f64x2_const_splat(1.0 / 39916800); /* 1 / 11! */
#pragma unroll
  for (int i = 0; i < 11; i++) sum = wasm_f64x2_add(wasm_f64x2_mul(sum, r), wasm_f64x2_splat(terms[i]));
  const v128_t exponent = wasm_i64x2_extend_low_i32x4(wasm_i32x4_trunc_sat_f64x2_zero(k));
  return wasm_f64x2_mul(sum, wasm_i64x2_shl(wasm_i64x2_add(exponent, wasm_i64x2_const_splat(1023)), 52));
}

/* The sums of the entries `mine`. */
static void sum_bins(const struct row *row, struct range mine, float bins, double *sums) {
  for (int32_t b = 0; b < LOGIT_BINS; b += 2) wasm_v128_store(sums + b, wasm_i32x4_const_splat(0));
  const v128_t largest = wasm_f32x4_splat(row->largest), each = wasm_f32x4_splat(bins);
  const v128_t top = wasm_f64x2_splat(row->largest), inverse = wasm_f64x2_splat(1 / row->temperature);
  for (int32_t i = mine.begin; i < mine.end; i += 4) {
    const int32_t n = mine.end - i;
    const v128_t four = n >= 4 ? load4(row->logits + i) : load_some(row->logits + i, n);
    const v128_t low = wasm_f64x2_promote_low_f32x4(four);
    const v128_t high = wasm_f64x2_promote_low_f32x4(wasm_i32x4_shuffle(four, four, 2, 3, 2, 3));
    const v128_t first = exp2_f64(wasm_f64x2_mul(wasm_f64x2_sub(low, top), inverse));
    const v128_t second = exp2_f64(wasm_f64x2_mul(wasm_f64x2_sub(high, top), inverse));
    const v128_t bin = bin4(four, largest, each);
    sums[wasm_i32x4_extract_lane(bin, 0)] += wasm_f64x2_extract_lane(first, 0);
    if (n > 1) sums[wasm_i32x4_extract_lane(bin, 1)] += wasm_f64x2_extract_lane(first, 1);
    if (n > 2) sums[wasm_i32x4_extract_lane(bin, 2)] += wasm_f64x2_extract_lane(second, 0);
    if (n > 3) sums[wasm_i32x4_extract_lane(bin, 3)] += wasm_f64x2_extract_lane(second, 1);
  }
}

/* The entries of a bin, in the order of their indices. */
static int32_t gather_bin(const struct row *row, int32_t n, float bins, int32_t bin) {
  const v128_t largest = wasm_f32x4_splat(row->largest), each = wasm_f32x4_splat(bins), own = wasm_i32x4_splat(bin);
  int32_t count = 0;
  for (int32_t i = 0; i < n; i += 4) {
    const v128_t four = n - i >= 4 ? load4(row->logits + i) : load_some(row->logits + i, n - i);
    uint32_t found = wasm_i32x4_bitmask(wasm_i32x4_eq(bin4(four, largest, each), own));
    for (; found; found &= found - 1) {
      const int32_t at = i + __builtin_ctz(found);
      if (at < n) row->entries[count++] = (struct entry){key_of(row->logits[at]), at};
    }
  }
  return count;
}

/* An entry, and the sum of the weights from the likeliest one to it. */
struct place {
  int32_t index;
  double sum;
};

/* Where that sum first reaches `target`; index -1 where it may be another one for all that `margin` allows. */
static struct place reach(const struct row *row, int32_t n, float bins, const double *sums, double target,
                          double margin) {
  const struct place unknown = {-1, 0};
  double sum = 0;
  int32_t bin = 0;
  while (bin < LOGIT_BINS && sum + sums[bin] <= target) sum += sums[bin++];
  if (bin == LOGIT_BINS) return unknown;
  const int32_t count = gather_bin(row, n, bins, bin);
  sort(row->entries, row->sorted, count, row->counts);
  for (int32_t i = 0; i < count; i++) {
    const int32_t index = row->sorted[i].index;
    const double after = sum + exp_of(((double)row->logits[index] - row->largest) / row->temperature);
    if (after > target) {
      const int clear = after > target + margin && (sum == 0 || sum < target - margin);
      return clear ? (struct place){index, after} : unknown;
    }
    sum = after;
  }
  return unknown;
}

/* From the bins of threads first .. end - 1, which are added up in the first one's. */
static int32_t draw_binned(const struct sample_args *a, const struct row *row, float bins, int first, int end) {
  double *sums = share_of(first)->sums, all = 0;
  for (int t = first + 1; t < end; t++)
    for (int32_t b = 0; b < LOGIT_BINS; b++) sums[b] += share_of(t)->sums[b];
  for (int32_t b = 0; b < LOGIT_BINS; b++) all += sums[b];
  const double margin = all * (a->n + 64) * 0x1p-51;
  double total = all;
  if (row->top_p < 1) {
    const struct place last = reach(row, a->n, bins, sums, row->top_p * all, margin);
    if (last.index < 0) return draw_sorted(a, row);
    total = last.sum;
  }
  const int32_t index = reach(row, a->n, bins, sums, row->uniform * total, margin).index;
  return index < 0 ? draw_sorted(a, row) : index;
}

KERNEL(sample) {
  const uint32_t key[2] = {(uint32_t)a->random[0], (uint32_t)a->random[1]};
  const double temperature = double_of((uint64_t)a->temperature_high << 32 | a->temperature_low);
  const double top_p = double_of((uint64_t)a->top_p_high << 32 | a->top_p_low);
  const int32_t workers = threads < a->slots ? threads : a->slots;
  /* All threads sum the weights of a single row. */
  const int together = a->rows == 1 && a->top_k == a->n;
  if (!together && thread >= workers) return;
  struct entry *entries = (struct entry *)a->workspace + (size_t)(together ? 0 : thread) * 2 * (size_t)a->n;
  for (int32_t r = together ? 0 : thread; r < a->rows; r += workers) {
    const float *logits = a->logits + r * a->n, largest = max_of(logits, a->n);
    if (!(__builtin_fabsf(largest) < __builtin_inff())) {
      a->y[r] = -1;
      continue;
    }
    if (a->top_k == 1) {
      a->y[r] = first_of(logits, a->n, largest);
      continue;
    }
    uint32_t words[4] = {(uint32_t)a->random[3] + (uint32_t)r, 0, (uint32_t)a->random[2], 0};
    philox(words, key);
    const double uniform = (words[0] >> 8) * 0x1p-24;
    const struct row row = {logits,  entries,     entries + a->n, share_of(thread)->counts,
                            uniform, temperature, top_p,          largest};
    if (a->top_k < a->n) {
      a->y[r] = draw_sorted(a, &row);
      continue;
    }
    const float bins = bins_of(&row, a->n);
    const struct range mine = together ? part(a->n, 16, thread, threads) : (struct range){0, a->n};
    sum_bins(&row, mine, bins, share_of(thread)->sums);
    if (together) barrier(thread, threads);
    if (!together) a->y[r] = draw_binned(a, &row, bins, thread, thread + 1);
    else if (thread == 0) a->y[r] = draw_binned(a, &row, bins, 0, threads);
  }
}

/*
 * sample: draws one index a row: the largest logits first (equal ones by index), at most top_k of them, weights
 * exp((logit - largest) / temperature), the smallest prefix that reaches top_p of their sum, then a draw with Philox.
 * Weights and sums are float64, in the order of the reference, so that both pick the same token. A row without a
 * distribution (a NaN, +infinity, nothing but -infinity) gives -1.
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

static int32_t draw(const struct sample_args *a, const float *logits, double uniform, struct entry *entries,
                    struct entry *sorted, uint32_t *counts) {
  const float largest = max_of(logits, a->n);
  if (!(__builtin_fabsf(largest) < __builtin_inff())) return -1;
  sort(entries, sorted, gather(logits, a->n, a->top_k, entries, counts), counts);

  const double temperature = double_of((uint64_t)a->temperature_high << 32 | a->temperature_low);
  const double top_p = double_of((uint64_t)a->top_p_high << 32 | a->top_p_low);
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

KERNEL(sample) {
  uint32_t *counts = thread_scratch(thread);
  struct entry *entries = (struct entry *)a->workspace + (size_t)thread * 2 * (size_t)a->n;
  const uint32_t key[2] = {(uint32_t)a->random[0], (uint32_t)a->random[1]};
  const int32_t workers = threads < a->slots ? threads : a->slots;
  if (thread >= workers) return;
  for (int32_t row = thread; row < a->rows; row += workers) {
    uint32_t words[4] = {(uint32_t)a->random[3] + (uint32_t)row, 0, (uint32_t)a->random[2], 0};
    philox(words, key);
    a->y[row] = draw(a, a->logits + row * a->n, (words[0] >> 8) * 0x1p-24, entries, entries + a->n, counts);
  }
}

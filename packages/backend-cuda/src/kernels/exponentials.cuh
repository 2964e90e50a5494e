/**
 * The largest of some numbers and the sum of e^(number - largest), in one pass: for softmax.cu and cross-entropy.cu.
 */
#pragma once
#include "rows.cuh"

/** e^(x - largest). The difference first: it is exact where it matters. */
DEVICE float exp_below(float x, float largest) { return exp2f((x - largest) * 1.4426950408889634f); }

/**
 * A NaN, an infinity above, or nothing but infinities below in what was added make `sum` NaN or 0: see `finish`.
 * `largest` starts at the lowest finite number, so that differences are never infinity minus infinity by themselves.
 */
struct Exponentials {
  float largest = -3.402823466e38f;
  float sum = 0;

  template <int N>
  DEVICE void add(const float (&x)[N]) {
    float above = largest;
#pragma unroll
    for (int i = 0; i < N; i++) above = fmaxf(above, x[i]);
    float even = sum * exp_below(largest, above), odd = 0;
#pragma unroll
    for (int i = 0; i < N; i += 2) even += exp_below(x[i], above);
#pragma unroll
    for (int i = 1; i < N; i += 2) odd += exp_below(x[i], above);
    largest = above;
    sum = even + odd;
  }

  DEVICE void add(float x) {
    const float one[1] = {x};
    add(one);
  }

  /** Over the threads of a group, in a fixed order. Nothing that may be exponentiated: the sum becomes NaN. */
  template <int GROUP>
  DEVICE Exponentials finish(float* scratch) const {
    Exponentials all;
    all.largest = block_max<GROUP>(largest, scratch);
    all.sum = block_sum<GROUP>(sum * exp_below(largest, all.largest), scratch);
    if (all.sum == 0) all.sum = __uint_as_float(0x7fffffffu);
    return all;
  }
};

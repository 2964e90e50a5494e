/**
 * Pieces of a stable counting sort by digits of 8 bits, for embedding-backward.cu and sample.cu: every warp takes one
 * run of elements, 32 at a time, so that elements of equal digits keep their order.
 */
#pragma once
#include "device.cuh"

constexpr int DIGIT_BITS = 8;
constexpr int DIGITS = 1 << DIGIT_BITS;

DEVICE u32 lanes_below() { return (1u << lane_index()) - 1; }

/** The lanes whose digit is this lane's, among those where `valid`. All lanes must call. */
DEVICE u32 lanes_like(u32 digit, bool valid) {
  u32 lanes = __ballot_sync(FULL_WARP, valid);
#pragma unroll
  for (int bit = 0; bit < DIGIT_BITS; bit++) {
    const bool set = digit >> bit & 1;
    const u32 with = __ballot_sync(FULL_WARP, set);
    lanes &= set ? with : ~with;
  }
  return lanes;
}

/** Adds to `counts` [DIGITS], in shared memory and this warp's own, how many of each digit lie in begin <= i < end. */
template <class DigitOf>
DEVICE void count_run(u32* counts, int begin, int end, DigitOf digit_of) {
  for (int i = begin + lane_index(); i < end; i += 32) atomicAdd(&counts[digit_of(i)], 1u);
}

/**
 * put(i, place) for begin <= i < end, in order; `places` [DIGITS], this warp's own, holds where the first of each digit
 * goes.
 */
template <class DigitOf, class Put>
DEVICE void scatter_run(u32* places, int begin, int end, DigitOf digit_of, Put put) {
  for (int first = begin; first < end; first += 32) {
    const int i = first + lane_index();
    const bool valid = i < end;
    const u32 digit = valid ? digit_of(i) : 0, like = lanes_like(digit, valid);
    const u32 place = places[digit] + __popc(like & lanes_below());
    __syncwarp();
    if (valid) {
      put(i, place);
      if ((like & lanes_below()) == 0) places[digit] += __popc(like);
    }
    __syncwarp();
  }
}

/** Sum of x over the lanes before this one. */
template <class Number>
DEVICE Number warp_sum_before(Number x) {
  Number sum = 0;
  Number before = __shfl_up_sync(FULL_WARP, x, 1);
  if (lane_index() > 0) sum = before;
#pragma unroll
  for (int step = 1; step < 32; step <<= 1) {
    before = __shfl_up_sync(FULL_WARP, sum, step);
    if (lane_index() >= step) sum += before;
  }
  return sum;
}

/** Sum of x over the threads before this one, in a fixed order. `scratch`: shared, a number for each warp. */
template <class Number>
DEVICE Number block_sum_before(Number x, Number* scratch) {
  const Number before = warp_sum_before(x);
  __syncthreads();
  if (lane_index() == 31) scratch[warp_index()] = before + x;
  __syncthreads();
  Number sum = 0;
  for (int warp = 0; warp < warp_index(); warp++) sum += scratch[warp];
  return sum + before;
}

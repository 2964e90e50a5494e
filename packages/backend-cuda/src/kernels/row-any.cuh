/** RMSNorm of rows of any width and alignment, of which a block of threads has one: as row-norm.cuh, entry by entry. */
#pragma once
#include "row-norm.cuh"

/** Threads of a block. */
constexpr int ANY_THREADS = 256;

/** The sum of (x · scale)² over a row. */
template <class T>
DEVICE float squares_of_any(const T* x, int width, float scale, float* scratch) {
  // Four sums side by side lose less than one.
  float sums[4] = {};
  for (int i = threadIdx.x; i < width; i += 4 * ANY_THREADS) {
#pragma unroll
    for (int part = 0; part < 4; part++) {
      const int at = i + part * ANY_THREADS;
      const float value = at < width ? to_float(x[at]) * scale : 0.0f;
      sums[part] = fmaf(value, value, sums[part]);
    }
  }
  return block_sum<ANY_THREADS>((sums[0] + sums[1]) + (sums[2] + sums[3]), scratch);
}

/** As inverse_rms of row-norm.cuh. */
template <class T>
DEVICE float inverse_rms_of_any(const T* x, int width, float epsilon, float* scratch) {
  const float sum = squares_of_any(x, width, 1, scratch);
  if (sum < __uint_as_float(0x7f800000u)) return 1 / sqrtf(sum / width + epsilon);
  return SQUARES_DOWN / sqrtf(squares_of_any(x, width, SQUARES_DOWN, scratch) / width + epsilon * SQUARES_DOWN * SQUARES_DOWN);
}

/** Entry i of the row, normed and rounded. */
template <class T>
DEVICE T normed(T x, float inverse, const NormWeight& weight, int i) {
  float h = to_float(x) * inverse;
  if (weight.first)
    h *= weight.is_bf16 ? to_float(static_cast<const bf16*>(weight.first)[i]) : static_cast<const float*>(weight.first)[i];
  return from_float<T>(h);
}

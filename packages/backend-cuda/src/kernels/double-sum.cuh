/** Sums in float64 over a block, in a fixed order. */
#pragma once
#include "device.cuh"

/** Every thread gets the sum; all THREADS (a power of two) must call. `scratch` is shared and holds THREADS doubles. */
template <int THREADS>
DEVICE double block_sum(double x, double* scratch) {
  __syncthreads();
  scratch[threadIdx.x] = x;
  __syncthreads();
#pragma unroll 1
  for (int half = THREADS / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) scratch[threadIdx.x] += scratch[threadIdx.x + half];
    __syncthreads();
  }
  return scratch[0];
}

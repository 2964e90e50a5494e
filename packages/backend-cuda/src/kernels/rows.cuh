/**
 * Kernels over the rows of a matrix, in blocks of 256 threads: GROUP threads share a row, 32 (a warp; short rows) or
 * 256 (a block). rows.ts counts the blocks.
 */
#pragma once
#include "device.cuh"

constexpr int ROW_THREADS = 256;

/** Threads of a group leave together where this is no row any more. */
template <int GROUP>
DEVICE long long row_of_group() {
  return static_cast<long long>(blockIdx.x) * (ROW_THREADS / GROUP) + threadIdx.x / GROUP;
}
template <int GROUP>
DEVICE int place_in_group() {
  return threadIdx.x % GROUP;
}

/** Elements in front of the first multiple of 16 bytes. */
template <class T>
DEVICE int head_of(const T* row, int width) {
  const int head = static_cast<int>((0 - reinterpret_cast<u64>(row)) & 15) / static_cast<int>(sizeof(T));
  return head < width ? head : width;
}

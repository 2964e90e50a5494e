/**
 * The matrix product for a few rows of a (decoding): every element of b is read once, 16 bytes at a time, and used for
 * all rows. Bound by memory, so tensor cores would not help.
 */
#pragma once
#include "matmul-result.cuh"

/** A vector from `from` on; zeros behind the first `left`. */
template <int N, class T>
DEVICE Vector<T, N> load_up_to(const T* from, int left, bool wide) {
  if (wide && left >= N) return load_vector<N>(from);
  Vector<T, N> values;
#pragma unroll
  for (int i = 0; i < N; i++) values.at[i] = i < left ? from[i] : from_float<T>(0);
  return values;
}

/** Element (row, k) of op(a); 0 outside. */
template <class T>
DEVICE T element_of_a(const MatmulArguments& a, const T* from, int row, int k, int k_end) {
  if (row >= a.m || k >= k_end) return from_float<T>(0);
  return a.transpose_a ? from[static_cast<long long>(k) * a.m + row] : from[static_cast<long long>(row) * a.k + k];
}

constexpr int ALONG_K_THREADS = 256;
constexpr int COLUMNS_OF_A_WARP = 4;

/** `CHUNK` of k of op(a) from `first` on into shared memory; zeros for rows and k that do not exist. */
template <class T, int ROWS, int CHUNK>
DEVICE void load_rows(T (&rows)[ROWS][CHUNK], const MatmulArguments& a, const T* from, int first, int end) {
  constexpr int N = WIDE<T>;
  if (a.wide_a && !a.transpose_a) {
    for (int i = threadIdx.x * N; i < ROWS * CHUNK; i += ALONG_K_THREADS * N) {
      const int row = i / CHUNK;
      const int k = first + i % CHUNK;
      Vector<T, N> values = {};
      if (row < a.m && k < end) values = load_vector<N>(from + static_cast<long long>(row) * a.k + k);
      store_vector(&rows[row][i % CHUNK], values);
    }
    return;
  }
  for (int i = threadIdx.x; i < ROWS * CHUNK; i += ALONG_K_THREADS)
    rows[i / CHUNK][i % CHUNK] = element_of_a(a, from, i / CHUNK, first + i % CHUNK, end);
}

/** b stored along k: a warp makes four columns, its lanes read along k. Up to ROWS rows. */
template <class T, int ROWS>
DEVICE void few_rows_along_k(const MatmulArguments& a) {
  constexpr int N = WIDE<T>;
  constexpr int CHUNK = 1024;
  __shared__ __align__(16) T rows[ROWS][CHUNK];
  const Range range = k_range(a);
  const int first = (static_cast<int>(blockIdx.x) * (ALONG_K_THREADS / 32) + warp_index()) * COLUMNS_OF_A_WARP;
  const int lane = lane_index();

  for (int batch = static_cast<int>(blockIdx.z); batch < a.batch; batch += static_cast<int>(gridDim.z)) {
    const T* left = static_cast<const T*>(a.a) + batch * a.stride_a;
    const T* right = static_cast<const T*>(a.b) + batch * a.stride_b;
    float sums[ROWS][COLUMNS_OF_A_WARP] = {};
    for (int k = range.first; k < range.end; k += CHUNK) {
      __syncthreads();
      load_rows(rows, a, left, k, range.end);
      __syncthreads();
      for (int at = lane * N; at < CHUNK && k + at < range.end; at += 32 * N) {
        Vector<T, N> columns[COLUMNS_OF_A_WARP];
#pragma unroll
        for (int j = 0; j < COLUMNS_OF_A_WARP; j++) {
          const int count = first + j < a.n ? range.end - (k + at) : 0;
          columns[j] = load_up_to<N>(right + static_cast<long long>(first + j) * a.k + k + at, count, a.wide_b != 0);
        }
#pragma unroll
        for (int i = 0; i < ROWS; i++) {
          const Vector<T, N> x = load_vector<N>(&rows[i][at]);
#pragma unroll
          for (int j = 0; j < COLUMNS_OF_A_WARP; j++) {
#pragma unroll
            for (int l = 0; l < N; l++) sums[i][j] = fmaf(to_float(x.at[l]), to_float(columns[j].at[l]), sums[i][j]);
          }
        }
      }
    }
    float own[1] = {0};
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
#pragma unroll
      for (int j = 0; j < COLUMNS_OF_A_WARP; j++) {
        const float sum = warp_sum(sums[i][j]);
        if (lane == i * COLUMNS_OF_A_WARP + j) own[0] = sum;
      }
    }
    if (lane < ROWS * COLUMNS_OF_A_WARP)
      store_result(a, batch, lane / COLUMNS_OF_A_WARP, first + lane % COLUMNS_OF_A_WARP, own);
  }
}

constexpr int ALONG_N_THREADS = 128;

/** b stored along its columns: a lane makes 16 bytes of columns, the warps share k. Up to ROWS rows. */
template <class T, int ROWS>
DEVICE void few_rows_along_n(const MatmulArguments& a) {
  constexpr int N = WIDE<T>;
  constexpr int CHUNK = 256;
  constexpr int AT_ONCE = 4;
  constexpr int WARPS = ALONG_N_THREADS / 32;
  __shared__ float rows[CHUNK][ROWS];
  __shared__ float scratch[WARPS][32 * N];
  const Range range = k_range(a);
  const int first = static_cast<int>(blockIdx.x) * 32 * N;
  const int column = first + lane_index() * N;

  for (int batch = static_cast<int>(blockIdx.z); batch < a.batch; batch += static_cast<int>(gridDim.z)) {
    const T* left = static_cast<const T*>(a.a) + batch * a.stride_a;
    const T* right = static_cast<const T*>(a.b) + batch * a.stride_b;
    float sums[ROWS][N] = {};
    for (int k = range.first; k < range.end; k += CHUNK) {
      __syncthreads();
      for (int i = threadIdx.x; i < ROWS * CHUNK; i += ALONG_N_THREADS)
        rows[i % CHUNK][i / CHUNK] = to_float(element_of_a(a, left, i / CHUNK, k + i % CHUNK, range.end));
      __syncthreads();
      for (int at = warp_index() * AT_ONCE; at < CHUNK && k + at < range.end; at += WARPS * AT_ONCE) {
        const T* from = right + static_cast<long long>(k + at) * a.n + column;
        Vector<T, N> lines[AT_ONCE];
#pragma unroll
        for (int l = 0; l < AT_ONCE; l++, from += a.n) {
          const int count = k + at + l < range.end ? a.n - column : 0;
          lines[l] = load_up_to<N>(from, count, a.wide_b != 0);
        }
#pragma unroll
        for (int l = 0; l < AT_ONCE; l++) {
#pragma unroll
          for (int i = 0; i < ROWS; i++) {
            const float x = rows[at + l][i];
#pragma unroll
            for (int j = 0; j < N; j++) sums[i][j] = fmaf(x, to_float(lines[l].at[j]), sums[i][j]);
          }
        }
      }
    }
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
      if (i < a.m) {
        __syncthreads();
#pragma unroll
        for (int j = 0; j < N; j++) scratch[warp_index()][lane_index() * N + j] = sums[i][j];
        __syncthreads();
        for (int j = threadIdx.x; j < 32 * N; j += ALONG_N_THREADS) {
          float own[1] = {0};
#pragma unroll
          for (int warp = 0; warp < WARPS; warp++) own[0] += scratch[warp][j];
          store_result(a, batch, i, first + j, own);
        }
      }
    }
  }
}

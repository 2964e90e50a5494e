/**
 * Pieces of attention for any dtype, head size and device: 64 x 64 products in float32 by 256 threads, of which each
 * has 4 x 4: rows 4 · (thread / 16) and on, columns 4 · (thread % 16) and on. Every sum runs over its terms in order.
 */
#pragma once
#include "attention.cuh"

constexpr int GENERAL_THREADS = 256;
constexpr int TILE = 64;
/** Columns of two operands in shared memory at once. */
constexpr int DEPTH = 32;
/** Floats between rows of an operand in shared memory: 16-byte accesses, banks apart. */
constexpr int APART = TILE + 4;
/** Columns of heads whose sums a block keeps at most; larger heads take several blocks. */
constexpr int MOST_SLICES = 4;

/** Rows of heads in memory, from one on. */
template <class T>
struct Rows {
  const T* first;
  long long stride;
  int count;
  int width;
};

/** What a block has in shared memory: two operands in columns or one in rows, and weights. */
struct alignas(16) GeneralShared {
  float operands[2 * DEPTH * APART];
  float weights[TILE * TILE + TILE];
};

/** Where row k of the weights starts. Every fourth row moves on by four banks. */
DEVICE constexpr int weight_row(int k) { return k * TILE + (k >> 2) * 4; }

DEVICE int thread_row() { return threadIdx.x / 16 * 4; }
DEVICE int thread_column() { return threadIdx.x % 16 * 4; }

/** Columns [d, d + DEPTH) of a tile, columns as rows; zeros outside. A warp takes 4 rows x 8 columns: 32 banks. */
template <class T>
DEVICE void load_columns(float* to, const Rows<T>& rows, int d) {
#pragma unroll
  for (int i = 0; i < 8; i++) {
    const int row = warp_index() * 8 + (i & 1) * 4 + (lane_index() >> 3);
    const int column = (i >> 1) * 8 + (lane_index() & 7);
    const bool exists = row < rows.count && d + column < rows.width;
    to[column * APART + row] = exists ? to_float(rows.first[row * rows.stride + d + column]) : 0.0f;
  }
}

/** products [64, 64] = left rows · right rows, transposed. All threads must call. */
template <class T>
DEVICE void multiply_rows(float (&products)[4][4], const Rows<T>& left, const Rows<T>& right, GeneralShared& shared) {
  float* const lefts = shared.operands;
  float* const rights = shared.operands + DEPTH * APART;
#pragma unroll
  for (int i = 0; i < 16; i++) products[i / 4][i % 4] = 0;
  for (int d = 0; d < left.width; d += DEPTH) {
    __syncthreads();
    load_columns(lefts, left, d);
    load_columns(rights, right, d);
    __syncthreads();
#pragma unroll 8
    for (int k = 0; k < DEPTH; k++) {
      const Vector<float, 4> x = load_vector<4>(lefts + k * APART + thread_row());
      const Vector<float, 4> y = load_vector<4>(rights + k * APART + thread_column());
#pragma unroll
      for (int i = 0; i < 16; i++) products[i / 4][i % 4] = fmaf(x.at[i / 4], y.at[i % 4], products[i / 4][i % 4]);
    }
  }
}

/** Keeps weights by row, or TRANSPOSED by column, for add_weighted_rows. */
template <bool TRANSPOSED>
DEVICE void store_weights(const float (&weights)[4][4], GeneralShared& shared) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    Vector<float, 4> four;
#pragma unroll
    for (int j = 0; j < 4; j++) four.at[j] = TRANSPOSED ? weights[j][i] : weights[i][j];
    const int row = TRANSPOSED ? thread_column() : thread_row();
    store_vector<4>(shared.weights + weight_row(row + i) + (TRANSPOSED ? thread_row() : thread_column()), four);
  }
}

/** sums[s] [64, 64] += weights, transposed, times the rows' columns from `first` + 64 s on. All threads must call. */
template <int SLICES, class T>
DEVICE void add_weighted_rows(float (&sums)[SLICES][4][4], const Rows<T>& rows, int first, GeneralShared& shared) {
#pragma unroll
  for (int s = 0; s < SLICES; s++) {
    if (first + s * TILE >= rows.width) break;
    __syncthreads();
#pragma unroll
    for (int i = 0; i < TILE * TILE / GENERAL_THREADS; i++) {
      const int row = threadIdx.x / TILE + i * (GENERAL_THREADS / TILE);
      const int column = first + s * TILE + threadIdx.x % TILE;
      const bool exists = row < rows.count && column < rows.width;
      const float value = exists ? to_float(rows.first[row * rows.stride + column]) : 0.0f;
      shared.operands[row * APART + threadIdx.x % TILE] = value;
    }
    __syncthreads();
#pragma unroll 8
    for (int k = 0; k < TILE; k++) {
      const Vector<float, 4> x = load_vector<4>(shared.weights + weight_row(k) + thread_row());
      const Vector<float, 4> y = load_vector<4>(shared.operands + k * APART + thread_column());
#pragma unroll
      for (int i = 0; i < 16; i++) sums[s][i / 4][i % 4] = fmaf(x.at[i / 4], y.at[i % 4], sums[s][i / 4][i % 4]);
    }
  }
}

template <int SLICES>
DEVICE void clear(float (&sums)[SLICES][4][4]) {
#pragma unroll
  for (int i = 0; i < SLICES * 16; i++) sums[i / 16][i / 4 % 4][i % 4] = 0;
}

/** Writes `count` rows of sums, times `factors`, to columns from `first` on. */
template <int SLICES, class T>
DEVICE void write_sums(T* to, long long stride, int count, int first, int width, const float (&sums)[SLICES][4][4],
                       const float (&factors)[4]) {
#pragma unroll
  for (int s = 0; s < SLICES; s++) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
      for (int j = 0; j < 4; j++) {
        const int row = thread_row() + i;
        const int column = first + s * TILE + thread_column() + j;
        if (row < count && column < width) to[row * stride + column] = from_float<T>(sums[s][i][j] * factors[i]);
      }
    }
  }
}

/** Over the 16 threads that share rows. */
DEVICE float row_sum(float x) {
#pragma unroll
  for (int step = 8; step > 0; step >>= 1) x += __shfl_xor_sync(FULL_WARP, x, step);
  return x;
}
DEVICE float row_max(float x) {
#pragma unroll
  for (int step = 8; step > 0; step >>= 1) x = fmaxf(x, __shfl_xor_sync(FULL_WARP, x, step));
  return x;
}

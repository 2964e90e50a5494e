/**
 * The matrix product without tensor cores: a block of 256 threads makes 128 x 128 of the result, a thread 8 x 8, from
 * pieces 8 deep in two buffers. Everything is float32 inside; bf16 operands are for chips older than compute capability
 * 8.0.
 */
#pragma once
#include "matmul-result.cuh"

constexpr int PLAIN_THREADS = 256;
constexpr int PLAIN_DEPTH = 8;
/** Words from one k of a piece to the next: room that keeps transposed stores in different banks. */
constexpr int PLAIN_ROW = TILE + 4;

/** One operand of this block; `along_k`: neighbours in memory are neighbours in k. */
template <class T>
struct PlainOperand {
  const T* from;
  long long row;
  int outer;
  int outer_end;
  bool along_k;
  bool wide;
};

/** Where this thread's four elements of a piece are: of outer, and of k. */
struct PlainPlace {
  int outer;
  int k;
};
template <class T>
DEVICE PlainPlace plain_place(const PlainOperand<T>& operand) {
  const int index = threadIdx.x;
  if (operand.along_k) return {index / 2, index % 2 * 4};
  return {index % 32 * 4, index / 32};
}

/** This thread's four elements of the piece at `first`; zeros outside. */
template <class T>
DEVICE Vector<T, 4> load_piece(const PlainOperand<T>& operand, int first, int end) {
  const PlainPlace place = plain_place(operand);
  const int outer = operand.outer + place.outer;
  const int k = first + place.k;
  const bool inside = outer < operand.outer_end && k < end;
  const T* from = operand.from + (operand.along_k ? outer * operand.row + k : k * operand.row + outer);
  if (operand.wide && inside) return load_vector<4>(from);
  const int left = inside ? (operand.along_k ? end - k : operand.outer_end - outer) : 0;
  Vector<T, 4> values;
#pragma unroll
  for (int i = 0; i < 4; i++) values.at[i] = i < left ? from[i] : from_float<T>(0);
  return values;
}

/** Puts them into shared memory by k. */
template <class T>
DEVICE void store_piece(float (&to)[PLAIN_DEPTH][PLAIN_ROW], const PlainOperand<T>& operand, const Vector<T, 4>& values) {
  const PlainPlace place = plain_place(operand);
  if (operand.along_k) {
#pragma unroll
    for (int i = 0; i < 4; i++) to[place.k + i][place.outer] = to_float(values.at[i]);
  } else {
    const Vector<float, 4> row = {
        {to_float(values.at[0]), to_float(values.at[1]), to_float(values.at[2]), to_float(values.at[3])}};
    store_vector(&to[place.k][place.outer], row);
  }
}

/** A thread's eight rows or columns are four, and four more 64 further on: neighbours in a warp read side by side. */
DEVICE void load_eight(float (&to)[8], const float* row, int first) {
  const Vector<float, 4> low = load_vector<4>(row + first);
  const Vector<float, 4> high = load_vector<4>(row + first + TILE / 2);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    to[i] = low.at[i];
    to[i + 4] = high.at[i];
  }
}

template <class T>
DEVICE void matmul_plain(const MatmulArguments& a) {
  __shared__ __align__(16) float pieces_of_a[2][PLAIN_DEPTH][PLAIN_ROW];
  __shared__ __align__(16) float pieces_of_b[2][PLAIN_DEPTH][PLAIN_ROW];
  const TilePosition tile = tile_position(a);
  const Range range = k_range(a);
  const int row = static_cast<int>(threadIdx.x) / 16 * 4;
  const int column = static_cast<int>(threadIdx.x) % 16 * 4;

  for (int batch = static_cast<int>(blockIdx.z); batch < a.batch; batch += static_cast<int>(gridDim.z)) {
    const PlainOperand<T> left = {static_cast<const T*>(a.a) + batch * a.stride_a, a.transpose_a ? a.m : a.k, tile.row,
                                  a.m, !a.transpose_a, a.wide_a != 0};
    const PlainOperand<T> right = {static_cast<const T*>(a.b) + batch * a.stride_b, a.transpose_b ? a.k : a.n, tile.column,
                                   a.n, a.transpose_b != 0, a.wide_b != 0};
    float sums[8][8] = {};
    store_piece(pieces_of_a[0], left, load_piece(left, range.first, range.end));
    store_piece(pieces_of_b[0], right, load_piece(right, range.first, range.end));
    __syncthreads();
    int stage = 0;
    for (int first = range.first; first < range.end; first += PLAIN_DEPTH) {
      const bool more = first + PLAIN_DEPTH < range.end;
      Vector<T, 4> next_a = {};
      Vector<T, 4> next_b = {};
      if (more) {
        next_a = load_piece(left, first + PLAIN_DEPTH, range.end);
        next_b = load_piece(right, first + PLAIN_DEPTH, range.end);
      }
#pragma unroll
      for (int k = 0; k < PLAIN_DEPTH; k++) {
        float x[8];
        float y[8];
        load_eight(x, pieces_of_a[stage][k], row);
        load_eight(y, pieces_of_b[stage][k], column);
#pragma unroll
        for (int i = 0; i < 8; i++) {
#pragma unroll
          for (int j = 0; j < 8; j++) sums[i][j] = fmaf(x[i], y[j], sums[i][j]);
        }
      }
      if (more) {
        store_piece(pieces_of_a[stage ^ 1], left, next_a);
        store_piece(pieces_of_b[stage ^ 1], right, next_b);
      }
      __syncthreads();
      stage ^= 1;
    }
#pragma unroll
    for (int i = 0; i < 8; i++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const float values[4] = {sums[i][half * 4], sums[i][half * 4 + 1], sums[i][half * 4 + 2], sums[i][half * 4 + 3]};
        const int below = row + i % 4 + i / 4 * (TILE / 2);
        store_result(a, batch, tile.row + below, tile.column + column + half * (TILE / 2), values);
      }
    }
  }
}

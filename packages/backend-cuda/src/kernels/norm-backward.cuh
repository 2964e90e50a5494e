/**
 * The gradient of RMSNorm for rows in registers, whatever the normed numbers are. With h = x * inverse and g = dy * weight,
 * per row: dx = inverse * (g - h * mean(g * h)), and dWeight = the sum over rows of dy * h. A thread keeps its columns from
 * row to row and sums dWeight for them in registers; each block leaves a row of `partial`, and norm_weight_gradient adds
 * these in order. How many blocks there are is part of the result's bits, so the launch takes it from the shape alone.
 */
#pragma once
#include "row-norm.cuh"

/** Vectors of a thread: fewer than forward, since sums and several tensors are held at once. */
constexpr int FEW = 4;

struct NormGradient {
  const void* dy;
  NormWeight weight;
  const float* inverse_rms;
  /** [blocks, width], or 0: no dWeight. */
  float* partial;
  int rows;
  int width;
};

/** What a thread of the block sums for its columns, added up over the block's teams into its row of `partial`. */
template <class Team>
DEVICE void leave_partial(const float (&sums)[FEW][Team::N], const Place& place, int width, float* partial) {
  constexpr int N = Team::N, LANES = Team::LANES;
  constexpr bool SHARED = Team::WARPS == 1;
  __shared__ float columns[SHARED ? LANES * FEW * N : 1];
  float* own = partial + static_cast<long long>(blockIdx.x) * width;
  for (int turn = 0; turn < (SHARED ? Team::THREADS / 32 : 1); turn++) {
    if (SHARED) __syncthreads();
#pragma unroll
    for (int v = 0; v < FEW; v++) {
#pragma unroll
      for (int j = 0; j < N; j++) {
        const int column = place.first + v * (LANES * N) + j;
        float sum = sums[v][j];
        if (LANES == 16) sum += __shfl_xor_sync(FULL_WARP, sum, 16);
        if (SHARED) {
          if (turn == warp_index() && lane_index() < LANES) columns[column] = turn == 0 ? sum : columns[column] + sum;
        } else if (holds<Team>(place, v)) {
          own[column] = sum;
        }
      }
    }
  }
  if (!SHARED) return;
  __syncthreads();
  for (int i = threadIdx.x; i < width; i += Team::THREADS) own[i] = columns[i];
}

/**
 * load(x, row, place) gives the words of what was normed; write(dx, row, place, v) takes the gradient of vector v, which this
 * thread may not hold.
 */
template <class Team, class Load, class Write>
DEVICE void norm_backward_rows(const NormGradient& n, Load load, Write write) {
  using T = typename Team::T;
  constexpr int N = Team::N, IN_WORD = Team::IN_WORD;
  __shared__ u32 slots[2][Team::WARPS];
  Exchange<Team> exchange{slots};
  const Place whole = place_of<Team>(n.width);
  float sums[FEW][N] = {};
  each_row<Team>(n.rows, whole, [&](int row, const Place& place) {
    u32 x[FEW][WORDS], dy[FEW][WORDS];
    const T* from = static_cast<const T*>(n.dy) + static_cast<long long>(row) * n.width;
#pragma unroll
    for (int v = 0; v < FEW; v++) load_words<Team>(dy[v], from, place, v);
    load(x, row, place);
    // Nothing of a missing row, not even a NaN, may reach the sums.
    const float inverse = place.left > 0 ? n.inverse_rms[row] : 0;
    float products[WORDS] = {};
#pragma unroll
    for (int v = 0; v < FEW; v++) {
      if (v >= place.vectors) break;
      float factors[N];
      if (n.weight.first) load_weights<Team>(factors, n.weight, place, v);
#pragma unroll
      for (int i = 0; i < WORDS; i++) {
        float xs[IN_WORD], dys[IN_WORD];
        unpack<T>(xs, x[v][i]);
        unpack<T>(dys, dy[v][i]);
#pragma unroll
        for (int j = 0; j < IN_WORD; j++) {
          const float g = n.weight.first ? dys[j] * factors[i * IN_WORD + j] : dys[j];
          products[i] = fmaf(g, xs[j], products[i]);
        }
      }
    }
    const float dot = team_sum<Team>((products[0] + products[1]) + (products[2] + products[3]), exchange);
    const float bend = inverse * (dot * inverse / n.width);
#pragma unroll
    for (int v = 0; v < FEW; v++) {
      if (v >= place.vectors) break;
      float factors[N], dx[N];
      if (n.weight.first) load_weights<Team>(factors, n.weight, place, v);
#pragma unroll
      for (int i = 0; i < WORDS; i++) {
        float xs[IN_WORD], dys[IN_WORD];
        unpack<T>(xs, x[v][i]);
        unpack<T>(dys, dy[v][i]);
#pragma unroll
        for (int j = 0; j < IN_WORD; j++) {
          const int at = i * IN_WORD + j;
          const float g = n.weight.first ? dys[j] * factors[at] : dys[j];
          dx[at] = inverse * fmaf(-xs[j], bend, g);
          if (n.partial) sums[v][at] = fmaf(dys[j] * inverse, xs[j], sums[v][at]);
        }
      }
      write(dx, row, place, v);
    }
  });
  if (n.partial) leave_partial<Team>(sums, whole, n.width, n.partial);
}

/** d_weight (=|+=) the sum of `parts` rows of `partial`, 8 columns a block of 256 threads. */
template <class T>
DEVICE void norm_weight_gradient(const float* partial, T* d_weight, int parts, int width, bool add) {
  constexpr int COLUMNS = 8, SLICES = 32;
  __shared__ float slices[SLICES][COLUMNS];
  const int column = blockIdx.x * COLUMNS + threadIdx.x % COLUMNS, slice = threadIdx.x / COLUMNS;
  float sum = 0;
  if (column < width)
#pragma unroll 8
    for (int part = slice; part < parts; part += SLICES) sum += partial[static_cast<long long>(part) * width + column];
  slices[slice][threadIdx.x % COLUMNS] = sum;
  __syncthreads();
  if (slice > 0 || column >= width) return;
  float all = 0;
  for (int i = 0; i < SLICES; i++) all += slices[i][threadIdx.x];
  d_weight[column] = from_float<T>(add ? to_float(d_weight[column]) + all : all);
}

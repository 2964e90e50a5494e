/**
 * reduce: sum, mean or maximum, over the last dimension ([rows, width] to [rows]) or the leading one ([rows, width] to
 * [width]). Long reductions go piece by piece into float32 numbers that another launch reduces (reduce.ts); pieces
 * depend on the sizes alone. A maximum with a NaN is NaN.
 */
#include "elementwise.cuh"
#include "rows.cuh"

struct Sum {
  static DEVICE float empty() { return 0; }
  template <class Number>
  static DEVICE Number join(Number a, Number b) {
    return a + b;
  }
};

struct Max {
  static DEVICE float empty() { return -__uint_as_float(0x7f800000u); }
  template <class Number>
  static DEVICE Number join(Number a, Number b) {
    return b > a || b != b ? b : a;
  }
};

/** Over a group, in a fixed order; every thread gets it. `scratch` is shared and holds a number for each warp. */
template <class Op, int GROUP>
DEVICE double group_join(double x, double* scratch) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) x = Op::join(x, __shfl_xor_sync(FULL_WARP, x, step));
  if (GROUP == 32) return x;
  if (lane_index() == 0) scratch[warp_index()] = x;
  __syncthreads();
  double all = scratch[0];
#pragma unroll
  for (int warp = 1; warp < GROUP / 32; warp++) all = Op::join(all, scratch[warp]);
  return all;
}

/**
 * x [rows, width] to y [rows, pieces], a group for each piece of `piece` elements. The result is divided by `divisor`:
 * 1, or the number of elements behind a mean in its last launch.
 */
struct ReduceLastArguments {
  const void *x;
  void *y;
  long long rows;
  long long width;
  long long piece;
  long long pieces;
  long long divisor;
  int largest;
};

template <class X, class Y, class Op, int GROUP>
DEVICE void reduce_last(const ReduceLastArguments& a) {
  constexpr int N = WIDE<X>, UNROLL = 4;
  __shared__ double scratch[GROUP / 32];
  const long long group = row_of_group<GROUP>(), row = group / a.pieces;
  if (row >= a.rows) return;
  const int place = place_in_group<GROUP>();
  const long long begin = (group - row * a.pieces) * a.piece;
  const X* x = static_cast<const X*>(a.x) + row * a.width + begin;
  const int count = static_cast<int>(min(a.piece, a.width - begin));
  const int vectors = is_aligned<N>(x) ? count / N : 0;
  // Few terms at a time in float32, then float64: long sums of equal numbers stay exact enough.
  double joined = Op::empty();
  for (int first = place; first < vectors; first += UNROLL * GROUP) {
    float lanes[N];
    Vector<X, N> loaded[UNROLL];
#pragma unroll
    for (int u = 0; u < UNROLL; u++)
      if (first + u * GROUP < vectors) loaded[u] = load_vector<N>(x + (first + u * GROUP) * N);
#pragma unroll
    for (int j = 0; j < N; j++) lanes[j] = to_float(loaded[0].at[j]);
#pragma unroll
    for (int u = 1; u < UNROLL; u++) {
      if (first + u * GROUP >= vectors) break;
#pragma unroll
      for (int j = 0; j < N; j++) lanes[j] = Op::join(lanes[j], to_float(loaded[u].at[j]));
    }
#pragma unroll
    for (int half = N / 2; half > 0; half /= 2)
#pragma unroll
      for (int j = 0; j < half; j++) lanes[j] = Op::join(lanes[j], lanes[j + half]);
    joined = Op::join(joined, static_cast<double>(lanes[0]));
  }
  for (int i = vectors * N + place; i < count; i += GROUP)
    joined = Op::join(joined, static_cast<double>(to_float(x[i])));
  joined = group_join<Op, GROUP>(joined, scratch) / static_cast<double>(a.divisor);
  if (place == 0) static_cast<Y*>(a.y)[group] = from_float<Y>(static_cast<float>(joined));
}

template <class X, class Y, int GROUP>
DEVICE void reduce_last(const ReduceLastArguments& a) {
  if (a.largest) reduce_last<X, Y, Max, GROUP>(a);
  else reduce_last<X, Y, Sum, GROUP>(a);
}

KERNEL(reduce_last_warp_f32, 256, ReduceLastArguments) { reduce_last<float, float, 32>(a); }
KERNEL(reduce_last_warp_bf16, 256, ReduceLastArguments) { reduce_last<bf16, bf16, 32>(a); }
KERNEL(reduce_last_warp_f32_bf16, 256, ReduceLastArguments) { reduce_last<float, bf16, 32>(a); }
KERNEL(reduce_last_block_f32, 256, ReduceLastArguments) { reduce_last<float, float, 256>(a); }
KERNEL(reduce_last_block_bf16, 256, ReduceLastArguments) { reduce_last<bf16, bf16, 256>(a); }
KERNEL(reduce_last_block_bf16_f32, 256, ReduceLastArguments) { reduce_last<bf16, float, 256>(a); }
KERNEL(reduce_last_block_f32_bf16, 256, ReduceLastArguments) { reduce_last<float, bf16, 256>(a); }

/**
 * x [rows, width] to y [pieces, width]. A block takes `piece` rows and `across` (a power of two) columns of vectors, or
 * of elements where x is not `wide`; there are `columns` of them, in `column_blocks` blocks.
 */
struct ReduceLeadingArguments {
  const void *x;
  void *y;
  long long rows;
  long long width;
  long long piece;
  long long divisor;
  long long columns;
  long long column_blocks;
  int across;
  int wide;
  int largest;
};

template <class X, class Y, class Op, int N>
DEVICE void reduce_leading(const ReduceLeadingArguments& a) {
  constexpr int UNROLL = 4;
  __shared__ float scratch[ROW_THREADS][N];
  const int across = a.across, down = ROW_THREADS / across;
  const int lane = threadIdx.x % across, line = threadIdx.x / across;
  const long long piece = blockIdx.x / a.column_blocks;
  const long long column = (blockIdx.x - piece * a.column_blocks) * across + lane;
  const long long begin = piece * a.piece, end = min(a.rows, begin + a.piece);
  float joined[N];
#pragma unroll
  for (int j = 0; j < N; j++) joined[j] = Op::empty();
  if (column < a.columns) {
    const X* x = static_cast<const X*>(a.x) + column * N;
    for (long long first = begin + line; first < end; first += UNROLL * down) {
      Vector<X, N> loaded[UNROLL];
#pragma unroll
      for (int u = 0; u < UNROLL; u++)
        if (first + u * down < end) loaded[u] = load_vector<N>(x + (first + u * down) * a.width);
#pragma unroll
      for (int u = 0; u < UNROLL; u++) {
        if (first + u * down >= end) break;
#pragma unroll
        for (int j = 0; j < N; j++) joined[j] = Op::join(joined[j], to_float(loaded[u].at[j]));
      }
    }
  }
#pragma unroll
  for (int j = 0; j < N; j++) scratch[threadIdx.x][j] = joined[j];
  __syncthreads();
  for (int half = down / 2; half > 0; half /= 2) {
    if (line < half) {
#pragma unroll
      for (int j = 0; j < N; j++)
        scratch[threadIdx.x][j] = Op::join(scratch[threadIdx.x][j], scratch[threadIdx.x + half * across][j]);
    }
    __syncthreads();
  }
  if (line > 0 || column >= a.columns) return;
  Y* y = static_cast<Y*>(a.y) + piece * a.width + column * N;
#pragma unroll
  for (int j = 0; j < N; j++) y[j] = from_float<Y>(scratch[threadIdx.x][j] / static_cast<float>(a.divisor));
}

template <class X, class Y>
DEVICE void reduce_leading(const ReduceLeadingArguments& a) {
  if (a.wide) {
    if (a.largest) reduce_leading<X, Y, Max, WIDE<X>>(a);
    else reduce_leading<X, Y, Sum, WIDE<X>>(a);
  } else {
    if (a.largest) reduce_leading<X, Y, Max, 1>(a);
    else reduce_leading<X, Y, Sum, 1>(a);
  }
}

KERNEL(reduce_leading_f32, 256, ReduceLeadingArguments) { reduce_leading<float, float>(a); }
KERNEL(reduce_leading_bf16, 256, ReduceLeadingArguments) { reduce_leading<bf16, bf16>(a); }
KERNEL(reduce_leading_bf16_f32, 256, ReduceLeadingArguments) { reduce_leading<bf16, float>(a); }
KERNEL(reduce_leading_f32_bf16, 256, ReduceLeadingArguments) { reduce_leading<float, bf16>(a); }

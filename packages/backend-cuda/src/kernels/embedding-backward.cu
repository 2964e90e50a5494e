/**
 * embedding-backward: into[ids[row]] += dy[row]. Rows are sorted by id, equal ids in their order (a counting sort, one
 * digit of 8 bits after the other), then summed in pieces of the sorted list: the sums of an id that lies in one piece
 * go straight to `into`, those of an id in several are put together afterwards, in order. Every order is fixed, and an id
 * that all rows name costs little more than any other. Ids outside the table are sorted to the end and skipped.
 */
#include "digits.cuh"
#include "float-vectors.cuh"

/** The same as in embedding-backward.ts. */
constexpr int SORTED_PER_BLOCK = 2048;
constexpr int PIECE = 32;

/**
 * `from`: row numbers in the order so far, 0 for 0, 1, 2 …; `counts` [DIGITS, blocks]: how many of a digit a block
 * has, later where its first goes. The digit lies at bit `shift` of the id.
 */
struct EmbeddingBackwardSortArguments {
  const int *ids;
  const u32 *from;
  u32 *to;
  u32 *counts;
  int rows;
  int length;
  int shift;
};

DEVICE u32 row_at(const EmbeddingBackwardSortArguments& a, int i) { return a.from ? a.from[i] : static_cast<u32>(i); }

DEVICE u32 digit_of(const EmbeddingBackwardSortArguments& a, u32 row) {
  const u32 id = static_cast<u32>(a.ids[row]), length = static_cast<u32>(a.length);
  return (id < length ? id : length) >> a.shift & (DIGITS - 1);
}

KERNEL(embedding_backward_count, 256, EmbeddingBackwardSortArguments) {
  __shared__ u32 counts[DIGITS];
  counts[threadIdx.x] = 0;
  __syncthreads();
  const int begin = blockIdx.x * SORTED_PER_BLOCK, end = min(a.rows, begin + SORTED_PER_BLOCK);
  for (int i = begin + threadIdx.x; i < end; i += 256) atomicAdd(&counts[digit_of(a, row_at(a, i))], 1u);
  __syncthreads();
  a.counts[threadIdx.x * gridDim.x + blockIdx.x] = counts[threadIdx.x];
}

struct EmbeddingBackwardPlacesArguments {
  u32 *counts;
  int length;
};

/** Counts to their sums before, in place; one block. */
KERNEL(embedding_backward_places, 1024, EmbeddingBackwardPlacesArguments) {
  __shared__ u32 scratch[32];
  const int share = (a.length + 1023) / 1024, begin = min(a.length, static_cast<int>(threadIdx.x) * share);
  const int end = min(a.length, begin + share);
  u32 sum = 0;
  for (int i = begin; i < end; i++) sum += a.counts[i];
  sum = block_sum_before(sum, scratch);
  for (int i = begin; i < end; i++) {
    const u32 count = a.counts[i];
    a.counts[i] = sum;
    sum += count;
  }
}

KERNEL(embedding_backward_scatter, 256, EmbeddingBackwardSortArguments) {
  constexpr int WARPS = 8;
  __shared__ u32 places[WARPS][DIGITS];
  for (int warp = 0; warp < WARPS; warp++) places[warp][threadIdx.x] = 0;
  __syncthreads();
  const int begin = blockIdx.x * SORTED_PER_BLOCK + warp_index() * (SORTED_PER_BLOCK / WARPS);
  const int end = min(a.rows, begin + SORTED_PER_BLOCK / WARPS);
  const auto digit = [&](int i) { return digit_of(a, row_at(a, i)); };
  count_run(places[warp_index()], begin, end, digit);
  __syncthreads();
  u32 place = a.counts[threadIdx.x * gridDim.x + blockIdx.x];
  for (int warp = 0; warp < WARPS; warp++) {
    const u32 count = places[warp][threadIdx.x];
    places[warp][threadIdx.x] = place;
    place += count;
  }
  __syncthreads();
  scatter_run(places[warp_index()], begin, end, digit, [&](int i, u32 to) { a.to[to] = row_at(a, i); });
}

/**
 * `order`: all rows, sorted by id. `open` [pieces, 2, width]: sums of a piece that belong to ids of other pieces too,
 * of its first and its last id. Threads along the columns.
 */
struct EmbeddingBackwardSumArguments {
  const void *dy;
  const int *ids;
  const u32 *order;
  void *into;
  float *open;
  int rows;
  int length;
  int width;
};

/** The id at a place of the sorted list; -1 outside of the list and for ids outside of the table. */
DEVICE int id_at(const EmbeddingBackwardSumArguments& a, int place) {
  if (place < 0 || place >= a.rows) return -1;
  const int id = a.ids[a.order[place]];
  return id >= 0 && id < a.length ? id : -1;
}

template <int N>
DEVICE float* open_sum(const EmbeddingBackwardSumArguments& a, int piece, int which, int column) {
  return a.open + (piece * 2LL + which) * a.width + column;
}

template <class Dy, class Into, int N>
DEVICE void sum_piece(const EmbeddingBackwardSumArguments& a) {
  constexpr int BATCH = 4;
  __shared__ int ids[PIECE + 2];
  __shared__ u32 rows[PIECE];
  const int piece = blockIdx.x, begin = piece * PIECE, count = min(PIECE, a.rows - begin);
  for (int i = threadIdx.x; i < PIECE + 2; i += blockDim.x) {
    ids[i] = id_at(a, begin + i - 1);
    if (i >= 1 && i <= count) rows[i - 1] = a.order[begin + i - 1];
  }
  __syncthreads();
  const int column = (blockIdx.y * blockDim.x + threadIdx.x) * N;
  if (column >= a.width) return;
  const Dy* dy = static_cast<const Dy*>(a.dy) + column;
  Into* into = static_cast<Into*>(a.into) + column;
  float sum[N];
  for (int first = 0; first < count; first += BATCH) {
    FloatVector<N> values[BATCH], before[BATCH];
#pragma unroll
    for (int u = 0; u < BATCH; u++) {
      const int i = first + u, id = i < count ? ids[i + 1] : -1;
      if (id < 0) continue;
      values[u] = load_floats<N>(dy + rows[i] * static_cast<long long>(a.width));
      if (id != ids[i + 2] && id != ids[0]) before[u] = load_floats<N>(into + id * static_cast<long long>(a.width));
    }
#pragma unroll
    for (int u = 0; u < BATCH; u++) {
      const int i = first + u, id = i < count ? ids[i + 1] : -1;
      if (id < 0) continue;
      const bool starts = i == 0 || id != ids[i], ends = id != ids[i + 2];
#pragma unroll
      for (int j = 0; j < N; j++) sum[j] = starts ? values[u].at[j] : sum[j] + values[u].at[j];
      if (ends && id != ids[0]) {
#pragma unroll
        for (int j = 0; j < N; j++) before[u].at[j] += sum[j];
        store_floats<N>(into + id * static_cast<long long>(a.width), before[u]);
      } else if (ends || i == count - 1) {
        FloatVector<N> rest;
#pragma unroll
        for (int j = 0; j < N; j++) rest.at[j] = sum[j];
        store_floats<N>(open_sum<N>(a, piece, id == ids[0] ? 0 : 1, column), rest);
      }
    }
  }
}

/** The piece where an id starts that goes on in the next puts its sums together. */
template <class Into, int N>
DEVICE void join_pieces(const EmbeddingBackwardSumArguments& a) {
  constexpr int BATCH = 8;
  const int piece = blockIdx.x, end = (piece + 1) * PIECE, pieces = (a.rows + PIECE - 1) / PIECE;
  const int id = id_at(a, end - 1);
  if (id < 0 || id != id_at(a, end) || id == id_at(a, end - PIECE - 1)) return;
  const int column = (blockIdx.y * blockDim.x + threadIdx.x) * N;
  if (column >= a.width) return;
  FloatVector<N> sum = load_floats<N>(open_sum<N>(a, piece, 1, column));
  bool more = true;
  for (int first = piece + 1; more && first < pieces; first += BATCH) {
    FloatVector<N> next[BATCH];
    bool continues[BATCH];
#pragma unroll
    for (int u = 0; u < BATCH; u++) {
      continues[u] = id_at(a, (first + u) * PIECE) == id;
      if (continues[u]) next[u] = load_floats<N>(open_sum<N>(a, first + u, 0, column));
    }
#pragma unroll
    for (int u = 0; u < BATCH; u++) {
      more = continues[u];
      if (!more) break;
#pragma unroll
      for (int j = 0; j < N; j++) sum.at[j] += next[u].at[j];
    }
  }
  Into* into = static_cast<Into*>(a.into) + id * static_cast<long long>(a.width) + column;
  const FloatVector<N> before = load_floats<N>(into);
#pragma unroll
  for (int j = 0; j < N; j++) sum.at[j] += before.at[j];
  store_floats<N>(into, sum);
}

/** Named after dy and `into`; wide: a thread takes 8 columns in 16-byte accesses, else one. */
KERNEL(embedding_backward_sum_f32, 128, EmbeddingBackwardSumArguments) { sum_piece<float, float, 1>(a); }
KERNEL(embedding_backward_sum_bf16, 128, EmbeddingBackwardSumArguments) { sum_piece<bf16, bf16, 1>(a); }
KERNEL(embedding_backward_sum_bf16_f32, 128, EmbeddingBackwardSumArguments) { sum_piece<bf16, float, 1>(a); }
KERNEL(embedding_backward_sum_wide_f32, 128, EmbeddingBackwardSumArguments) { sum_piece<float, float, 8>(a); }
KERNEL(embedding_backward_sum_wide_bf16, 128, EmbeddingBackwardSumArguments) { sum_piece<bf16, bf16, 8>(a); }
KERNEL(embedding_backward_sum_wide_bf16_f32, 128, EmbeddingBackwardSumArguments) { sum_piece<bf16, float, 8>(a); }
KERNEL(embedding_backward_join_f32, 128, EmbeddingBackwardSumArguments) { join_pieces<float, 1>(a); }
KERNEL(embedding_backward_join_bf16, 128, EmbeddingBackwardSumArguments) { join_pieces<bf16, 1>(a); }
KERNEL(embedding_backward_join_wide_f32, 128, EmbeddingBackwardSumArguments) { join_pieces<float, 8>(a); }
KERNEL(embedding_backward_join_wide_bf16, 128, EmbeddingBackwardSumArguments) { join_pieces<bf16, 8>(a); }

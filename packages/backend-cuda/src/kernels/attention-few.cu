/**
 * attention for at most 8 rows (queries times heads of a group), which is decoding: keys and values are read once, for
 * all rows. The keys of a batch and group are split into chunks with a block each; what the blocks find is merged by the
 * last of them, or by a second kernel where counters do not suffice. f32 and bf16, any head size.
 */
#include "attention.cuh"
#include "last-block.cuh"

struct AttentionFewArguments {
  const void *q;
  const void *k;
  const void *v;
  const int *position;
  const int *first;
  float *sums;
  float *outs;
  void *y;
  float *log_sum_exp;
  u32 *arrived;
  int queries;
  int keys;
  int heads;
  int groups;
  int width;
  int window;
  int position_step;
  int chunk;
  float scale;
};

struct AttentionMergeArguments {
  const float *sums;
  const float *outs;
  void *y;
  float *log_sum_exp;
  int queries;
  int heads;
  int groups;
  int width;
  int chunks;
};

constexpr int FEW_THREADS = 128;
constexpr int FEW_WARPS = FEW_THREADS / 32;
/** Keys of a chunk at most. */
constexpr int MOST_KEYS = 512;
/** Lanes that share a row of a head, and rows that a block reads at once. */
constexpr int TEAM = 8;
constexpr int TEAMS = FEW_THREADS / TEAM;

/** scores [ROWS][MOST_KEYS] of the first `count` keys; queries [ROWS][width] are in shared memory, in float32. */
template <int ROWS, int VECTOR, class T>
DEVICE void score_keys(float* scores, const float* queries, const T* k, int stride, int width, int count) {
  constexpr int PIECE = VECTOR < 4 ? VECTOR : 4;
  const int lane = threadIdx.x % TEAM;
#pragma unroll 2
  for (int first = 0; first < count; first += TEAMS) {
    const int key = first + threadIdx.x / TEAM;
    float products[ROWS] = {};
    for (int d = lane * VECTOR; d < width && key < count; d += TEAM * VECTOR) {
      const Vector<T, VECTOR> x = load_vector<VECTOR>(k + static_cast<long long>(key) * stride + d);
#pragma unroll
      for (int r = 0; r < ROWS; r++) {
#pragma unroll
        for (int i = 0; i < VECTOR; i += PIECE) {
          const Vector<float, PIECE> q = load_vector<PIECE>(queries + r * width + d + i);
#pragma unroll
          for (int j = 0; j < PIECE; j++) products[r] = fmaf(q.at[j], to_float(x.at[i + j]), products[r]);
        }
      }
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
#pragma unroll
      for (int step = TEAM / 2; step > 0; step >>= 1) products[r] += __shfl_xor_sync(FULL_WARP, products[r], step);
      if (lane == 0 && key < count) scores[r * MOST_KEYS + key] = products[r];
    }
  }
}

/** outs[r][d] = sum of weights times values, by all threads; `sums` is shared, [FEW_WARPS][ROWS][TEAM · VECTOR]. */
template <int ROWS, int VECTOR, class T>
DEVICE void sum_values(float* outs, float* sums, const float* weights, const T* v, int stride, int width, int count,
                       int rows) {
  const int lane = threadIdx.x % TEAM;
  for (int first = 0; first < width; first += TEAM * VECTOR) {
    const int column = first + lane * VECTOR;
    float own[ROWS][VECTOR] = {};
#pragma unroll 4
    for (int key = threadIdx.x / TEAM; key < count && column < width; key += TEAMS) {
      const Vector<T, VECTOR> x = load_vector<VECTOR>(v + static_cast<long long>(key) * stride + column);
#pragma unroll
      for (int r = 0; r < ROWS; r++) {
        const float weight = weights[r * MOST_KEYS + key];
#pragma unroll
        for (int i = 0; i < VECTOR; i++) own[r][i] = fmaf(weight, to_float(x.at[i]), own[r][i]);
      }
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
#pragma unroll
      for (int i = 0; i < VECTOR; i++) {
        own[r][i] += __shfl_xor_sync(FULL_WARP, own[r][i], TEAM);
        own[r][i] += __shfl_xor_sync(FULL_WARP, own[r][i], 2 * TEAM);
        if (lane_index() < TEAM) sums[((warp_index() * ROWS + r) * TEAM + lane) * VECTOR + i] = own[r][i];
      }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < rows * TEAM * VECTOR; i += FEW_THREADS) {
      const int r = i / (TEAM * VECTOR);
      const int d = first + i % (TEAM * VECTOR);
      float sum = 0;
#pragma unroll
      for (int warp = 0; warp < FEW_WARPS; warp++) sum += sums[warp * ROWS * TEAM * VECTOR + i];
      if (d < width) outs[static_cast<long long>(r) * width + d] = sum;
    }
    __syncthreads();
  }
}

/** Columns that a warp merges at a time. */
constexpr int SLAB = 128;

/** y and log_sum_exp of all rows of one batch and group, from what its chunks found; a warp takes a row's next columns. */
template <class T>
DEVICE void merge_chunks(const AttentionMergeArguments& a, int pair) {
  const int per_group = a.heads / a.groups, rows = a.queries * per_group, slabs = (a.width + SLAB - 1) / SLAB;
  const int batch = pair / a.groups, group = pair % a.groups;
  const long long first_part = static_cast<long long>(pair) * a.chunks * rows;
  for (int unit = warp_index(); unit < rows * slabs; unit += FEW_WARPS) {
    const int r = unit / slabs, column = unit % slabs * SLAB + lane_index();
    const float* const found = a.sums + (first_part + r) * 2;
    const float* const outs = a.outs + (first_part + r) * a.width;
    const auto found_by = [&](int chunk) {
      const float* const one = found + static_cast<long long>(chunk) * rows * 2;
      return RunningSum{__ldcg(one), __ldcg(one + 1)};
    };
    float largest = -INFINITE;
    for (int i = lane_index(); i < a.chunks; i += 32) largest = fmaxf(largest, found_by(i).largest);
    largest = warp_max(largest);
    const float offset = largest == -INFINITE ? 0.0f : largest;
    float all = 0, own[SLAB / 32] = {};
    for (int first = 0; first < a.chunks; first += 32) {
      float factor = -1;
      if (first + lane_index() < a.chunks) {
        const RunningSum one = found_by(first + lane_index());
        // Below 0: a chunk that this row does not see, whose block may have left no values.
        factor = one.largest == -INFINITE && one.sum == 0 ? -1 : expf(one.largest - offset);
        if (!(factor < 0)) all += one.sum * factor;
      }
      const int count = min(32, a.chunks - first);
#pragma unroll 4
      for (int i = 0; i < count; i++) {
        const float weight = __shfl_sync(FULL_WARP, factor, i);
        if (weight < 0) continue;
        const float* const out = outs + static_cast<long long>(first + i) * rows * a.width;
#pragma unroll
        for (int j = 0; j < SLAB / 32; j++)
          if (column + 32 * j < a.width) own[j] = fmaf(__ldcg(out + column + 32 * j), weight, own[j]);
      }
    }
    all = warp_sum(all);
    const float inverse = all == 0 ? 0.0f : 1 / all;
    const long long row = grouped_row(batch, a.queries, a.heads, a.groups, group, r);
    T* const y = static_cast<T*>(a.y) + row * a.width;
#pragma unroll
    for (int j = 0; j < SLAB / 32; j++)
      if (column + 32 * j < a.width) y[column + 32 * j] = from_float<T>(own[j] * inverse);
    if (unit % slabs == 0 && lane_index() == 0) a.log_sum_exp[row] = all == 0 ? -INFINITE : largest + logf(all);
  }
}

/** A grid [batch · groups, chunks]; sums [batch · groups, chunks, rows, 2] and outs [.., rows, width] get the parts. */
template <class T, int ROWS, int VECTOR>
DEVICE void attend_chunk(const AttentionFewArguments& a) {
  __shared__ float scores[ROWS * MOST_KEYS];
  __shared__ float sums[FEW_WARPS * ROWS * TEAM * VECTOR];
  DYNAMIC_SHARED(shared);
  float* const queries = reinterpret_cast<float*>(shared);

  const int batch = blockIdx.x / a.groups;
  const int group = blockIdx.x % a.groups;
  const int per_group = a.heads / a.groups;
  const int rows = a.queries * per_group;
  const long long part = static_cast<long long>(blockIdx.x) * gridDim.y + blockIdx.y;
  RunningSum* const found = reinterpret_cast<RunningSum*>(a.sums) + part * rows;

  const int position = first_position(a.position, batch * a.position_step, a.queries, a.keys, a.window);
  const int* const first = first_keys_at(a.first, batch, a.queries, 0);
  const int lowest = bounds_of(first, a.queries).lowest;
  const Span seen = seen_keys(position, position + a.queries - 1, a.keys, a.window, lowest);
  const int begin = max(seen.begin, static_cast<int>(blockIdx.y) * a.chunk);
  const int count = min(seen.end, (static_cast<int>(blockIdx.y) + 1) * a.chunk) - begin;
  if (count <= 0) {
    if (threadIdx.x < rows) found[threadIdx.x] = RunningSum{-INFINITE, 0};
    return;
  }

  const T* const q = static_cast<const T*>(a.q);
  for (int i = threadIdx.x; i < ROWS * a.width; i += FEW_THREADS) {
    const int r = i / a.width;
    const long long row = grouped_row(batch, a.queries, a.heads, a.groups, group, r);
    queries[i] = r < rows ? to_float(q[row * a.width + i % a.width]) : 0.0f;
  }
  __syncthreads();
  const int stride = a.groups * a.width;
  const long long place = (static_cast<long long>(batch) * a.keys + begin) * stride + group * a.width;
  score_keys<ROWS, VECTOR>(scores, queries, static_cast<const T*>(a.k) + place, stride, a.width, count);
  __syncthreads();

  for (int r = warp_index(); r < rows; r += FEW_WARPS) {
    float* const row = scores + r * MOST_KEYS;
    const int query = r / per_group;
    const int at = position + query;
    const Span own = seen_keys(at, at, a.keys, a.window, first_key_of(first, query));
    float largest = -INFINITE;
    for (int i = lane_index(); i < count; i += 32) {
      const bool sees = begin + i >= own.begin && begin + i < own.end;
      row[i] = sees ? row[i] * a.scale : -INFINITE;
      largest = fmaxf(largest, row[i]);
    }
    largest = warp_max(largest);
    const float offset = largest == -INFINITE ? 0.0f : largest;
    float sum = 0;
    for (int i = lane_index(); i < count; i += 32) {
      row[i] = expf(row[i] - offset);
      sum += row[i];
    }
    sum = warp_sum(sum);
    if (lane_index() == 0) found[r] = RunningSum{largest, sum};
  }
  if (rows < ROWS) {
    for (int i = rows * MOST_KEYS + threadIdx.x; i < ROWS * MOST_KEYS; i += FEW_THREADS) scores[i] = 0;
  }
  __syncthreads();
  float* const outs = a.outs + part * rows * a.width;
  sum_values<ROWS, VECTOR>(outs, sums, scores, static_cast<const T*>(a.v) + place, stride, a.width, count, rows);
}

template <class T, int ROWS, int VECTOR>
DEVICE void attention_few(const AttentionFewArguments& a) {
  attend_chunk<T, ROWS, VECTOR>(a);
  const int chunks = static_cast<int>(gridDim.y);
  if (!a.arrived || !is_last_block(a.arrived + blockIdx.x, gridDim.y)) return;
  const AttentionMergeArguments merge = {a.sums, a.outs, a.y, a.log_sum_exp, a.queries, a.heads, a.groups, a.width, chunks};
  merge_chunks<T>(merge, static_cast<int>(blockIdx.x));
}

KERNEL(attention_few_1_f32, 128, AttentionFewArguments) { attention_few<float, 1, 4>(a); }
KERNEL(attention_few_8_f32, 128, AttentionFewArguments) { attention_few<float, 8, 4>(a); }
KERNEL(attention_few_1_bf16, 128, AttentionFewArguments) { attention_few<bf16, 1, 8>(a); }
KERNEL(attention_few_8_bf16, 128, AttentionFewArguments) { attention_few<bf16, 8, 8>(a); }
KERNEL(attention_few_any_f32, 128, AttentionFewArguments) { attention_few<float, 8, 1>(a); }
KERNEL(attention_few_any_bf16, 128, AttentionFewArguments) { attention_few<bf16, 8, 1>(a); }
KERNEL(attention_merge_f32, 128, AttentionMergeArguments) { merge_chunks<float>(a, blockIdx.x); }
KERNEL(attention_merge_bf16, 128, AttentionMergeArguments) { merge_chunks<bf16>(a, blockIdx.x); }

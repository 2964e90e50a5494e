/**
 * attention for at most 8 rows (queries times heads of a group) of heads of 64 or 128 columns, which is decoding. A block takes a
 * chunk of the keys of a batch and group: its warps have all keys and values of a step under way at once and keep running sums
 * (online softmax, arXiv 1805.02867). Only blocks whose chunk is seen do anything; the last of them merges what they found.
 */
#include "attention.cuh"
#include "last-block.cuh"

struct AttentionTokenArguments {
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
  int sharing;
  int window;
  int position_step;
  int chunk;
  int row_bytes;
  float scale;
};

/** Where a group's keys and values lie, in elements or bytes as `width` is. `sharing` groups of query heads have the same. */
DEVICE int key_stride(const AttentionTokenArguments& a, int width) { return a.groups / a.sharing * width; }
DEVICE long long first_key(const AttentionTokenArguments& a, int batch, int group, int width) {
  return static_cast<long long>(batch) * a.keys * key_stride(a, width) + group / a.sharing * width;
}

/**
 * The keys and values of the block's chunk, while the launches before this one end. Where the position is, is read too early
 * to be relied on: it says what is fetched, past the first cache, and nothing else.
 */
DEVICE void fetch_ahead(const AttentionTokenArguments& a) {
  const int batch = blockIdx.x / a.groups, group = blockIdx.x % a.groups;
  if (group % a.sharing > 0) return;
  const int position = a.position ? min(max(__ldcg(a.position + batch * a.position_step), 0), a.keys) : a.keys - a.queries;
  const Span seen = seen_keys(position, position + a.queries - 1, a.keys, a.window);
  const int begin = static_cast<int>(blockIdx.y) * a.chunk, end = min(begin + a.chunk, seen.end);
  const long long first = first_key(a, batch, group, a.row_bytes), stride = key_stride(a, a.row_bytes);
  for (int key = max(begin, seen.begin) + static_cast<int>(threadIdx.x); key < end; key += blockDim.x) {
    fetch_into_cache(static_cast<const unsigned char*>(a.k) + first + key * stride, static_cast<u32>(a.row_bytes));
    fetch_into_cache(static_cast<const unsigned char*>(a.v) + first + key * stride, static_cast<u32>(a.row_bytes));
  }
}

constexpr int TOKEN_THREADS = 256;
constexpr int TOKEN_WARPS = TOKEN_THREADS / 32;
/** Chunks of a batch and group at most. The same as in attention.ts. */
constexpr int MOST_CHUNKS = 64;

/** What the sums of one part are multiplied by when the largest of all is `largest`. */
DEVICE float share_of(const RunningSum& part, float largest) {
  return part.largest == -INFINITE && part.sum == 0 ? 0.0f : expf(part.largest - (largest == -INFINITE ? 0.0f : largest));
}

/** LANES lanes hold a row of V entries each; ROWS rows of q share every key. */
template <class T, int ROWS, int LANES>
struct TokenWork {
  static constexpr int V = WIDE<T>, WIDTH = LANES * V;
  /** Keys that a warp reads at once, and how many times that is under way. */
  static constexpr int SLOTS = 32 / LANES, DEPTH = ROWS == 8 ? 2 : 4;
  static constexpr int STEP = TOKEN_WARPS * SLOTS * DEPTH;

  RunningSum found[ROWS];
  float own[ROWS][V];

  /** Adds the keys [begin, end) of the block; spans[r]: what row r sees. */
  DEVICE void attend(const float (&q)[ROWS][V], const T* k, const T* v, int stride, int begin, int end,
                     const Span (&spans)[ROWS], float scale) {
    const int slot = warp_index() * SLOTS + lane_index() / LANES;
    for (int from = begin; from < end; from += STEP) {
      Vector<T, V> ks[DEPTH], vs[DEPTH];
#pragma unroll
      for (int i = 0; i < DEPTH; i++) {
        const int key = from + i * TOKEN_WARPS * SLOTS + slot;
        ks[i] = vs[i] = {};
        if (key < end) ks[i] = load_vector<V>(k + static_cast<long long>(key) * stride);
        if (key < end) vs[i] = load_vector<V>(v + static_cast<long long>(key) * stride);
      }
      float scores[ROWS][DEPTH];
#pragma unroll
      for (int r = 0; r < ROWS; r++)
#pragma unroll
        for (int i = 0; i < DEPTH; i++) {
          float product = 0;
#pragma unroll
          for (int j = 0; j < V; j++) product = fmaf(q[r][j], to_float(ks[i].at[j]), product);
          scores[r][i] = product;
        }
#pragma unroll
      for (int step = LANES / 2; step > 0; step >>= 1)
#pragma unroll
        for (int r = 0; r < ROWS; r++)
#pragma unroll
          for (int i = 0; i < DEPTH; i++) scores[r][i] += __shfl_xor_sync(FULL_WARP, scores[r][i], step);
#pragma unroll
      for (int r = 0; r < ROWS; r++) {
        float largest = found[r].largest;
#pragma unroll
        for (int i = 0; i < DEPTH; i++) {
          const int key = from + i * TOKEN_WARPS * SLOTS + slot;
          const bool sees = key < end && key >= spans[r].begin && key < spans[r].end;
          scores[r][i] = sees ? scores[r][i] * scale : -INFINITE;
          largest = fmaxf(largest, scores[r][i]);
        }
        const float offset = largest == -INFINITE ? 0.0f : largest;
        const float kept = share_of(found[r], largest);
        float sum = found[r].sum * kept;
#pragma unroll
        for (int j = 0; j < V; j++) own[r][j] *= kept;
#pragma unroll
        for (int i = 0; i < DEPTH; i++) {
          const float weight = expf(scores[r][i] - offset);
          sum += weight;
#pragma unroll
          for (int j = 0; j < V; j++) {
            // What a row does not see may hold anything.
            const float added = fmaf(weight, to_float(vs[i].at[j]), own[r][j]);
            own[r][j] = scores[r][i] == -INFINITE ? own[r][j] : added;
          }
        }
        found[r] = {largest, sum};
      }
    }
    // Lanes of one warp that hold the same columns of other keys.
#pragma unroll
    for (int step = LANES; step < 32; step <<= 1)
#pragma unroll
      for (int r = 0; r < ROWS; r++) {
        const RunningSum other = {__shfl_xor_sync(FULL_WARP, found[r].largest, step),
                                  __shfl_xor_sync(FULL_WARP, found[r].sum, step)};
        const float largest = fmaxf(found[r].largest, other.largest);
        const float mine = share_of(found[r], largest), theirs = share_of(other, largest);
        found[r] = {largest, found[r].sum * mine + other.sum * theirs};
#pragma unroll
        for (int j = 0; j < V; j++)
          own[r][j] = own[r][j] * mine + __shfl_xor_sync(FULL_WARP, own[r][j], step) * theirs;
      }
  }
};

DEVICE long long row_of(const AttentionTokenArguments& a, int batch, int group, int r) {
  return grouped_row(batch, a.queries, a.heads, a.groups, group, r);
}

/** y and log_sum_exp of what `count` parts found, the sums of each `sums_step` and its values `outs_step` floats on. */
template <class T, int ROWS, int WIDTH>
DEVICE void merge_parts(const AttentionTokenArguments& a, int batch, int group, int rows, int count, const float* sums,
                        int sums_step, const float* outs, int outs_step, float* factors) {
  // Results of a thread, and parts of each that are under way at once: the first ones while their factors are found.
  constexpr int ITEMS = (ROWS * WIDTH + TOKEN_THREADS - 1) / TOKEN_THREADS, AT_ONCE = ITEMS <= 2 ? 16 : 32 / ITEMS;
  float values[AT_ONCE][ITEMS], results[ITEMS] = {};
  const auto load = [&](int from) {
#pragma unroll
    for (int p = 0; p < AT_ONCE; p++)
#pragma unroll
      for (int item = 0; item < ITEMS; item++) {
        const int i = threadIdx.x + item * TOKEN_THREADS;
        const bool exists = from + p < count && i < rows * WIDTH;
        values[p][item] = exists ? __ldcg(outs + static_cast<long long>(from + p) * outs_step + i) : 0.0f;
      }
  };
  load(0);
  for (int r = warp_index(); r < rows; r += TOKEN_WARPS) {
    RunningSum parts[MOST_CHUNKS / 32];
    float largest = -INFINITE, all = 0;
#pragma unroll
    for (int i = 0; i < MOST_CHUNKS / 32; i++) {
      const int part = lane_index() + 32 * i;
      const float* const one = sums + static_cast<long long>(part) * sums_step + 2 * r;
      parts[i] = part < count ? RunningSum{__ldcg(one), __ldcg(one + 1)} : RunningSum{-INFINITE, 0};
      largest = fmaxf(largest, parts[i].largest);
    }
    largest = warp_max(largest);
#pragma unroll
    for (int i = 0; i < MOST_CHUNKS / 32; i++) all += parts[i].sum * share_of(parts[i], largest);
    all = warp_sum(all);
    const float inverse = all == 0 ? 0.0f : 1 / all;
#pragma unroll
    for (int i = 0; i < MOST_CHUNKS / 32; i++)
      factors[r * MOST_CHUNKS + lane_index() + 32 * i] = share_of(parts[i], largest) * inverse;
    if (lane_index() == 0) a.log_sum_exp[row_of(a, batch, group, r)] = all == 0 ? -INFINITE : largest + logf(all);
  }
  __syncthreads();
  for (int from = 0; from < count; from += AT_ONCE) {
    if (from > 0) load(from);
#pragma unroll
    for (int p = 0; p < AT_ONCE; p++)
#pragma unroll
      for (int item = 0; item < ITEMS; item++) {
        const int i = threadIdx.x + item * TOKEN_THREADS;
        const float factor = from + p < count && i < rows * WIDTH ? factors[i / WIDTH * MOST_CHUNKS + from + p] : 0.0f;
        // A part that this row does not see may hold anything but no weight.
        results[item] = factor == 0 ? results[item] : fmaf(values[p][item], factor, results[item]);
      }
  }
#pragma unroll
  for (int item = 0; item < ITEMS; item++) {
    const int i = threadIdx.x + item * TOKEN_THREADS;
    if (i >= rows * WIDTH) continue;
    static_cast<T*>(a.y)[row_of(a, batch, group, i / WIDTH) * WIDTH + i % WIDTH] = from_float<T>(results[item]);
  }
}

/** A grid [batch · groups, chunks]; sums [batch · groups, chunks, rows, 2] and outs [.., rows, width] get the parts. */
template <class T, int ROWS, int LANES>
DEVICE void attention_token(const AttentionTokenArguments& a) {
  using Work = TokenWork<T, ROWS, LANES>;
  constexpr int V = Work::V, WIDTH = Work::WIDTH;
  __shared__ __align__(16) float warp_outs[TOKEN_WARPS][ROWS * WIDTH];
  __shared__ float warp_sums[TOKEN_WARPS][ROWS * 2];
  __shared__ float factors[ROWS * MOST_CHUNKS];

  const int batch = blockIdx.x / a.groups, group = blockIdx.x % a.groups;
  const int per_group = a.heads / a.groups, rows = a.queries * per_group;
  const int position = first_position(a.position, batch * a.position_step, a.queries, a.keys, a.window);
  const int* const first = first_keys_at(a.first, batch, a.queries, 0);
  const Span seen =
      seen_keys(position, position + a.queries - 1, a.keys, a.window, bounds_of(first, a.queries).lowest);
  const int chunk = static_cast<int>(blockIdx.y);
  const bool is_any = seen.end > seen.begin;
  const int first_chunk = is_any ? seen.begin / a.chunk : 0;
  const int chunks = is_any ? (seen.end - 1) / a.chunk + 1 - first_chunk : 1;
  if (chunk < first_chunk || chunk >= first_chunk + chunks) return;

  const int column = lane_index() % LANES * V;
  float q[ROWS][V];
  Span spans[ROWS];
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    Vector<T, V> x{};
    if (r < rows) x = load_vector<V>(static_cast<const T*>(a.q) + row_of(a, batch, group, r) * WIDTH + column);
#pragma unroll
    for (int j = 0; j < V; j++) q[r][j] = to_float(x.at[j]);
    const int query = r < rows ? r / per_group : 0, at = position + query;
    spans[r] = seen_keys(at, at, a.keys, a.window, first_key_of(first, query));
  }
  const int begin = max(seen.begin, chunk * a.chunk), end = min(seen.end, (chunk + 1) * a.chunk);
  const int stride = key_stride(a, WIDTH);
  const long long place = first_key(a, batch, group, WIDTH) + column;
  Work work;
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    work.found[r] = {-INFINITE, 0};
#pragma unroll
    for (int j = 0; j < V; j++) work.own[r][j] = 0;
  }
  work.attend(q, static_cast<const T*>(a.k) + place, static_cast<const T*>(a.v) + place, stride, begin, end, spans, a.scale);

  if (lane_index() < LANES) {
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
#pragma unroll
      for (int j = 0; j < V; j += 4)
        store_vector(&warp_outs[warp_index()][r * WIDTH + column + j],
                     Vector<float, 4>{{work.own[r][j], work.own[r][j + 1], work.own[r][j + 2], work.own[r][j + 3]}});
      if (column == 0) {
        warp_sums[warp_index()][2 * r] = work.found[r].largest;
        warp_sums[warp_index()][2 * r + 1] = work.found[r].sum;
      }
    }
  }
  __syncthreads();
  if (chunks == 1) {
    merge_parts<T, ROWS, WIDTH>(a, batch, group, rows, TOKEN_WARPS, warp_sums[0], ROWS * 2, warp_outs[0], ROWS * WIDTH, factors);
    return;
  }
  const long long pair = static_cast<long long>(blockIdx.x) * gridDim.y, part = pair + chunk;
  for (int i = threadIdx.x; i < rows * WIDTH; i += TOKEN_THREADS) {
    const int r = i / WIDTH;
    RunningSum of_warps[TOKEN_WARPS];
    float largest = -INFINITE, sum = 0, all = 0;
#pragma unroll
    for (int warp = 0; warp < TOKEN_WARPS; warp++) {
      of_warps[warp] = {warp_sums[warp][2 * r], warp_sums[warp][2 * r + 1]};
      largest = fmaxf(largest, of_warps[warp].largest);
    }
#pragma unroll
    for (int warp = 0; warp < TOKEN_WARPS; warp++) {
      const float share = share_of(of_warps[warp], largest);
      sum = fmaf(warp_outs[warp][i], share, sum);
      all = fmaf(of_warps[warp].sum, share, all);
    }
    __stcg(&a.outs[part * rows * WIDTH + i], sum);
    if (i % WIDTH == 0) {
      __stcg(&a.sums[(part * rows + r) * 2], largest);
      __stcg(&a.sums[(part * rows + r) * 2 + 1], all);
    }
  }
  if (!is_last_block(a.arrived + blockIdx.x, chunks)) return;
  const long long from = pair + first_chunk;
  merge_parts<T, ROWS, WIDTH>(a, batch, group, rows, chunks, a.sums + from * rows * 2, rows * 2, a.outs + from * rows * WIDTH,
                        rows * WIDTH, factors);
}

KERNEL(attention_token_1_64_bf16, 256, AttentionTokenArguments) { attention_token<bf16, 1, 8>(a); }
KERNEL(attention_token_4_64_bf16, 256, AttentionTokenArguments) { attention_token<bf16, 4, 8>(a); }
KERNEL(attention_token_8_64_bf16, 256, AttentionTokenArguments) { attention_token<bf16, 8, 8>(a); }
KERNEL(attention_token_1_128_bf16, 256, AttentionTokenArguments) { attention_token<bf16, 1, 16>(a); }
KERNEL(attention_token_4_128_bf16, 256, AttentionTokenArguments) { attention_token<bf16, 4, 16>(a); }
KERNEL(attention_token_8_128_bf16, 256, AttentionTokenArguments) { attention_token<bf16, 8, 16>(a); }
KERNEL(attention_token_1_64_f32, 256, AttentionTokenArguments) { attention_token<float, 1, 16>(a); }
KERNEL(attention_token_4_64_f32, 256, AttentionTokenArguments) { attention_token<float, 4, 16>(a); }
KERNEL(attention_token_8_64_f32, 256, AttentionTokenArguments) { attention_token<float, 8, 16>(a); }
KERNEL(attention_token_1_128_f32, 256, AttentionTokenArguments) { attention_token<float, 1, 32>(a); }
KERNEL(attention_token_4_128_f32, 256, AttentionTokenArguments) { attention_token<float, 4, 32>(a); }
KERNEL(attention_token_8_128_f32, 256, AttentionTokenArguments) { attention_token<float, 8, 32>(a); }

/**
 * What attention-backward needs of each row: rows [B, H, padded T, 2] = log-sum-exp times `factor`, and dy · y.
 * Rows that pad T, and those that see nothing, have an infinite log-sum-exp: whatever they meet weighs nothing. Clears
 * `turns` as well, and finds `bounds` [B, tiles]: the lowest and highest first key of each `tile` queries, where a query
 * has one; the lowest is at most the last position of its tile.
 */
#include "attention.cuh"

struct AttentionRowsArguments {
  const void *dy;
  const void *y;
  const float *log_sum_exp;
  float *rows;
  u32 *turns;
  const int *first;
  int *bounds;
  int batch;
  int queries;
  int padded;
  int heads;
  int width;
  int cells;
  int keys;
  int tile;
  float factor;
};

/** Lanes of a row. */
constexpr int LANES = 8;

template <class T>
DEVICE float dot(const T* x, const T* y, int width, bool wide) {
  const int lane = lane_index() % LANES;
  float sum = 0;
  if (wide) {
    for (int i = lane * WIDE<T>; i < width; i += LANES * WIDE<T>) {
      const Vector<T, WIDE<T>> a = load_vector<WIDE<T>>(x + i);
      const Vector<T, WIDE<T>> b = load_vector<WIDE<T>>(y + i);
#pragma unroll
      for (int j = 0; j < WIDE<T>; j++) sum = fmaf(to_float(a.at[j]), to_float(b.at[j]), sum);
    }
  } else {
    for (int i = lane; i < width; i += LANES) sum = fmaf(to_float(x[i]), to_float(y[i]), sum);
  }
#pragma unroll
  for (int step = LANES / 2; step > 0; step >>= 1) sum += __shfl_xor_sync(FULL_WARP, sum, step);
  return sum;
}

/** Of tile number i of the batch. */
DEVICE FirstKeys bounds_of_tile(const AttentionRowsArguments& a, int i) {
  const int tiles = (a.queries + a.tile - 1) / a.tile;
  const int begin = i % tiles * a.tile;
  const int end = min(begin + a.tile, a.queries);
  const int* const first = first_keys_at(a.first, i / tiles, a.queries, 0);
  FirstKeys bounds{a.keys - a.queries + end - 1, 0};
  for (int t = begin; t < end; t++) {
    bounds.lowest = min(bounds.lowest, first[t]);
    bounds.highest = max(bounds.highest, first[t]);
  }
  return FirstKeys{max(bounds.lowest, 0), bounds.highest};
}

template <class T>
DEVICE void attention_rows(const AttentionRowsArguments& a) {
  const long long thread = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (long long i = thread; i < a.cells; i += static_cast<long long>(gridDim.x) * blockDim.x) a.turns[i] = 0;
  if (a.bounds != nullptr) {
    const int count = a.batch * ((a.queries + a.tile - 1) / a.tile);
    for (long long i = thread; i < count; i += static_cast<long long>(gridDim.x) * blockDim.x) {
      reinterpret_cast<FirstKeys*>(a.bounds)[i] = bounds_of_tile(a, static_cast<int>(i));
    }
  }

  const long long all = static_cast<long long>(a.batch) * a.padded * a.heads;
  const long long row = min(thread / LANES, all - 1);
  const int head = row % a.heads;
  const int t = row / a.heads % a.padded;
  const long long b = row / a.heads / a.padded;
  const bool exists = t < a.queries;
  const long long from = (b * a.queries + (exists ? t : 0)) * a.heads + head;
  const T* const dy = static_cast<const T*>(a.dy);
  const T* const y = static_cast<const T*>(a.y);
  const bool wide = is_wide(dy, a.width) && is_wide(y, a.width);
  const float sum = dot(dy + from * a.width, y + from * a.width, a.width, wide);
  if (thread % LANES != 0 || thread / LANES >= all) return;
  float* const to = a.rows + ((b * a.heads + head) * a.padded + t) * 2;
  const float log_sum = exists ? a.log_sum_exp[from] * a.factor : INFINITE;
  store_vector<2>(to, Vector<float, 2>{{log_sum == -INFINITE ? INFINITE : log_sum, exists ? sum : 0.0f}});
}

KERNEL(attention_rows_f32, 256, AttentionRowsArguments) { attention_rows<float>(a); }
KERNEL(attention_rows_bf16, 256, AttentionRowsArguments) { attention_rows<bf16>(a); }

/**
 * attention for every case: f32 and bf16, any head size, any device. A block takes 64 queries of a head and at most 256
 * columns of their values. attention.cu and attention-few.cu are faster where they apply.
 */
#include "attention-general.cuh"

struct AttentionGeneralArguments {
  const void *q;
  const void *k;
  const void *v;
  const int *position;
  const int *first;
  void *y;
  float *log_sum_exp;
  int queries;
  int keys;
  int heads;
  int groups;
  int width;
  int window;
  int position_step;
  float scale;
};

template <class T, int SLICES>
DEVICE void attention_general(const AttentionGeneralArguments& a) {
  __shared__ GeneralShared shared;
  const int batch = blockIdx.x / a.heads;
  const int head = blockIdx.x % a.heads;
  const int first_query = (gridDim.y - 1 - blockIdx.y) * TILE;
  const int first_column = blockIdx.z * (MOST_SLICES * TILE);
  const int count = min(TILE, a.queries - first_query);
  const int position =
      first_position(a.position, batch * a.position_step, a.queries, a.keys, a.window) + first_query;
  const int* const first = first_keys_at(a.first, batch, a.queries, first_query);

  const long long stride = static_cast<long long>(a.heads) * a.width;
  const long long key_stride = static_cast<long long>(a.groups) * a.width;
  const long long first_row = (static_cast<long long>(batch) * a.queries + first_query) * a.heads + head;
  const int group = head / (a.heads / a.groups);
  const long long first_key = (static_cast<long long>(batch) * a.keys * a.groups + group) * a.width;
  const Rows<T> q{static_cast<const T*>(a.q) + first_row * a.width, stride, count, a.width};

  float out[SLICES][4][4];
  clear(out);
  float largest[4];
  float sum[4];
  int lowest[4];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    largest[i] = -INFINITE;
    sum[i] = 0;
    lowest[i] = thread_row() + i < count ? first_key_of(first, thread_row() + i) : 0;
  }
  const Span seen = seen_keys(position, position + count - 1, a.keys, a.window, bounds_of(first, count).lowest);
  for (int key = seen.begin; key < seen.end; key += TILE) {
    const int here = min(TILE, seen.end - key);
    const long long place = first_key + key * key_stride;
    const Rows<T> k{static_cast<const T*>(a.k) + place, key_stride, here, a.width};
    const Rows<T> v{static_cast<const T*>(a.v) + place, key_stride, here, a.width};
    float weights[4][4];
    multiply_rows(weights, q, k, shared);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int at = position + thread_row() + i;
      const Span own = seen_keys(at, at, key + here, a.window, lowest[i]);
      float most = -INFINITE;
#pragma unroll
      for (int j = 0; j < 4; j++) {
        const int column = key + thread_column() + j;
        weights[i][j] = column >= own.begin && column < own.end ? weights[i][j] * a.scale : -INFINITE;
        most = fmaxf(most, weights[i][j]);
      }
      const float now = fmaxf(largest[i], row_max(most));
      // While a row has seen nothing, 0 is subtracted: -infinity stays what it is.
      const float offset = now == -INFINITE ? 0.0f : now;
      const float factor = expf(largest[i] - offset);
      largest[i] = now;
      float added = 0;
#pragma unroll
      for (int j = 0; j < 4; j++) {
        weights[i][j] = expf(weights[i][j] - offset);
        added += weights[i][j];
      }
      sum[i] = sum[i] * factor + added;
#pragma unroll
      for (int j = 0; j < SLICES * 4; j++) out[j / 4][i][j % 4] *= factor;
    }
    store_weights<true>(weights, shared);
    add_weighted_rows(out, v, first_column, shared);
  }

  float factors[4];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const float all = row_sum(sum[i]);
    factors[i] = all == 0 ? 0.0f : 1 / all;
    const int row = thread_row() + i;
    if (blockIdx.z == 0 && threadIdx.x % 16 == 0 && row < count) {
      const float log_sum = all == 0 ? -INFINITE : largest[i] + logf(all);
      a.log_sum_exp[first_row + static_cast<long long>(row) * a.heads] = log_sum;
    }
  }
  write_sums(static_cast<T*>(a.y) + first_row * a.width, stride, count, first_column, a.width, out, factors);
}

KERNEL(attention_general_64_f32, 256, AttentionGeneralArguments) { attention_general<float, 1>(a); }
KERNEL(attention_general_128_f32, 256, AttentionGeneralArguments) { attention_general<float, 2>(a); }
KERNEL(attention_general_256_f32, 256, AttentionGeneralArguments) { attention_general<float, 4>(a); }
KERNEL(attention_general_64_bf16, 256, AttentionGeneralArguments) { attention_general<bf16, 1>(a); }
KERNEL(attention_general_128_bf16, 256, AttentionGeneralArguments) { attention_general<bf16, 2>(a); }
KERNEL(attention_general_256_bf16, 256, AttentionGeneralArguments) { attention_general<bf16, 4>(a); }

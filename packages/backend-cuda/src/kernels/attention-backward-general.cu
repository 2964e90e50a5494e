/**
 * attention-backward for every case: f32 and bf16, any head size, any device. One kernel makes dk and dv of 64 keys of
 * a group, one dq of 64 queries of a head; both compute the scores again. attention-backward.cu is faster where it
 * applies.
 */
#include "attention-general.cuh"

struct AttentionBackwardGeneralArguments {
  const void *dy;
  const void *q;
  const void *k;
  const void *v;
  const int *position;
  const int *first;
  const float *rows;
  void *dq;
  void *dk;
  void *dv;
  int queries;
  int keys;
  int heads;
  int groups;
  int width;
  int padded;
  int window;
  int position_step;
  float scale;
};

/** One batch and head, and where its rows are. */
template <class T>
struct HeadView {
  const AttentionBackwardGeneralArguments& a;
  long long row;
  long long key;
  long long cell;
  int start;
  const int* first_keys;

  DEVICE HeadView(const AttentionBackwardGeneralArguments& a, int batch, int head) : a(a) {
    row = static_cast<long long>(batch) * a.queries * a.heads + head;
    key = static_cast<long long>(batch) * a.keys * a.groups + head / (a.heads / a.groups);
    cell = (static_cast<long long>(batch) * a.heads + head) * a.padded;
    start = first_position(a.position, batch * a.position_step, a.queries, a.keys, a.window);
    first_keys = first_keys_at(a.first, batch, a.queries, 0);
  }
  DEVICE long long query_place(int query) const { return (row + static_cast<long long>(query) * a.heads) * a.width; }
  DEVICE long long key_place(int at) const { return (key + static_cast<long long>(at) * a.groups) * a.width; }
  DEVICE Rows<T> queries(const void* from, int first) const {
    return Rows<T>{static_cast<const T*>(from) + query_place(first), static_cast<long long>(a.heads) * a.width,
                   min(TILE, a.queries - first), a.width};
  }
  DEVICE Rows<T> keys(const void* from, int first) const {
    return Rows<T>{static_cast<const T*>(from) + key_place(first), static_cast<long long>(a.groups) * a.width,
                   min(TILE, a.keys - first), a.width};
  }
  /** The first key that any of the queries of a tile may see. All lanes of a warp must call. */
  DEVICE int lowest_key(int query) const {
    return first_keys == nullptr ? 0 : bounds_of(first_keys + query, min(TILE, a.queries - query)).lowest;
  }
  /** Weights, and gradients of scores before they are scaled, of the tile at a query and a key. All threads call. */
  DEVICE void differentiate(float (&weights)[4][4], float (&changes)[4][4], int query, int first,
                            GeneralShared& shared) const {
    multiply_rows(weights, queries(a.q, query), keys(a.k, first), shared);
    multiply_rows(changes, queries(a.dy, query), keys(a.v, first), shared);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int t = query + thread_row() + i;
      const Vector<float, 2> about =
          t < a.queries ? load_vector<2>(a.rows + (cell + t) * 2) : Vector<float, 2>{{INFINITE, 0}};
      const int lowest = t < a.queries ? first_key_of(first_keys, t) : 0;
      const Span seen = seen_keys(start + t, start + t, a.keys, a.window, lowest);
#pragma unroll
      for (int j = 0; j < 4; j++) {
        const int at = first + thread_column() + j;
        const bool sees = t < a.queries && at >= seen.begin && at < seen.end;
        weights[i][j] = sees ? expf(weights[i][j] * a.scale - about.at[0]) : 0.0f;
        changes[i][j] = sees ? weights[i][j] * (changes[i][j] - about.at[1]) : 0.0f;
      }
    }
  }
};

template <int COUNT>
DEVICE void set_all(float (&values)[COUNT], float value) {
#pragma unroll
  for (int i = 0; i < COUNT; i++) values[i] = value;
}

template <class T, int SLICES>
DEVICE void attention_keys_general(const AttentionBackwardGeneralArguments& a) {
  __shared__ GeneralShared shared;
  const int batch = blockIdx.x / a.groups;
  const int group = blockIdx.x % a.groups;
  const int per_group = a.heads / a.groups;
  const int first_key = blockIdx.y * TILE;
  const int first_column = blockIdx.z * (MOST_SLICES * TILE);
  float dk[SLICES][4][4];
  float dv[SLICES][4][4];
  clear(dk);
  clear(dv);
  for (int head = group * per_group; head < (group + 1) * per_group; head++) {
    const HeadView<T> view(a, batch, head);
    // Queries before `begin` see none of these keys, those from `end` on neither.
    const int begin = max(first_key - view.start, 0);
    const long long last = static_cast<long long>(first_key) + TILE - 1 - view.start + a.window;
    const int end = static_cast<int>(min(last, static_cast<long long>(a.queries)));
    for (int query = begin / TILE * TILE; query < end; query += TILE) {
      if (view.lowest_key(query) >= first_key + TILE) continue;
      float weights[4][4];
      float changes[4][4];
      view.differentiate(weights, changes, query, first_key, shared);
      store_weights<false>(weights, shared);
      add_weighted_rows(dv, view.queries(a.dy, query), first_column, shared);
      __syncthreads();
      store_weights<false>(changes, shared);
      add_weighted_rows(dk, view.queries(a.q, query), first_column, shared);
    }
  }
  const HeadView<T> view(a, batch, group * per_group);
  const long long stride = static_cast<long long>(a.groups) * a.width;
  const int count = min(TILE, a.keys - first_key);
  float factors[4];
  set_all(factors, a.scale);
  write_sums(static_cast<T*>(a.dk) + view.key_place(first_key), stride, count, first_column, a.width, dk, factors);
  set_all(factors, 1);
  write_sums(static_cast<T*>(a.dv) + view.key_place(first_key), stride, count, first_column, a.width, dv, factors);
}

template <class T, int SLICES>
DEVICE void attention_queries_general(const AttentionBackwardGeneralArguments& a) {
  __shared__ GeneralShared shared;
  const HeadView<T> view(a, blockIdx.x / a.heads, blockIdx.x % a.heads);
  const int query = (gridDim.y - 1 - blockIdx.y) * TILE;
  const int first_column = blockIdx.z * (MOST_SLICES * TILE);
  const int count = min(TILE, a.queries - query);
  float dq[SLICES][4][4];
  clear(dq);
  const Span seen =
      seen_keys(view.start + query, view.start + query + count - 1, a.keys, a.window, view.lowest_key(query));
  for (int key = seen.begin; key < seen.end; key += TILE) {
    float weights[4][4];
    float changes[4][4];
    view.differentiate(weights, changes, query, key, shared);
    store_weights<true>(changes, shared);
    add_weighted_rows(dq, view.keys(a.k, key), first_column, shared);
  }
  float factors[4];
  set_all(factors, a.scale);
  write_sums(static_cast<T*>(a.dq) + view.query_place(query), static_cast<long long>(a.heads) * a.width, count,
             first_column, a.width, dq, factors);
}

KERNEL(attention_keys_64_f32, 256, AttentionBackwardGeneralArguments) { attention_keys_general<float, 1>(a); }
KERNEL(attention_keys_128_f32, 256, AttentionBackwardGeneralArguments) { attention_keys_general<float, 2>(a); }
KERNEL(attention_keys_256_f32, 256, AttentionBackwardGeneralArguments) { attention_keys_general<float, 4>(a); }
KERNEL(attention_keys_64_bf16, 256, AttentionBackwardGeneralArguments) { attention_keys_general<bf16, 1>(a); }
KERNEL(attention_keys_128_bf16, 256, AttentionBackwardGeneralArguments) { attention_keys_general<bf16, 2>(a); }
KERNEL(attention_keys_256_bf16, 256, AttentionBackwardGeneralArguments) { attention_keys_general<bf16, 4>(a); }
KERNEL(attention_queries_64_f32, 256, AttentionBackwardGeneralArguments) { attention_queries_general<float, 1>(a); }
KERNEL(attention_queries_128_f32, 256, AttentionBackwardGeneralArguments) { attention_queries_general<float, 2>(a); }
KERNEL(attention_queries_256_f32, 256, AttentionBackwardGeneralArguments) { attention_queries_general<float, 4>(a); }
KERNEL(attention_queries_64_bf16, 256, AttentionBackwardGeneralArguments) { attention_queries_general<bf16, 1>(a); }
KERNEL(attention_queries_128_bf16, 256, AttentionBackwardGeneralArguments) { attention_queries_general<bf16, 2>(a); }
KERNEL(attention_queries_256_bf16, 256, AttentionBackwardGeneralArguments) { attention_queries_general<bf16, 4>(a); }

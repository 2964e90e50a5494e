/** embedding: rows of a table by id. A row whose id is outside the table becomes NaN; nothing outside it is read. */
#include "elementwise.cuh"

struct EmbeddingArguments {
  const void *table;
  const int *ids;
  void *y;
  long long rows;
  int length;
  int width;
};

template <class T, int N>
DEVICE void gather(const EmbeddingArguments& a) {
  const T* table = static_cast<const T*>(a.table);
  T* y = static_cast<T*>(a.y);
  const long long per_row = a.width / N, count = a.rows * per_row;
  const bool small = count <= 0xffffffffLL;
  each<2>(
      count,
      [&](long long i) {
        const long long row = quotient(i, per_row, small);
        const int id = a.ids[row];
        const T* from = table + id * static_cast<long long>(a.width) + (i - row * per_row) * N;
        if (id >= 0 && id < a.length) return load_vector<N>(from);
        Vector<T, N> outside;
#pragma unroll
        for (int j = 0; j < N; j++) outside.at[j] = from_float<T>(__uint_as_float(0x7fffffffu));
        return outside;
      },
      [&](long long i, const Vector<T, N>& values) { store_vector(y + i * N, values); });
}

template <class T>
DEVICE void embedding(const EmbeddingArguments& a) {
  constexpr int N = WIDE<T>;
  if (is_wide(static_cast<const T*>(a.table), a.width) && is_wide(static_cast<T*>(a.y), a.width)) gather<T, N>(a);
  else gather<T, 1>(a);
}

KERNEL(embedding_f32, 256, EmbeddingArguments) { embedding<float>(a); }
KERNEL(embedding_bf16, 256, EmbeddingArguments) { embedding<bf16>(a); }

/** fill: one pattern of 4 or 2 bytes in every element. */
#include "elementwise.cuh"

struct FillArguments {
  void *into;
  long long count;
  u32 pattern;
};

template <class T>
DEVICE void fill(const FillArguments& a) {
  constexpr int N = WIDE<T>;
  T* into = static_cast<T*>(a.into);
  const T value = static_cast<T>(a.pattern);
  const long long vectors = is_aligned<N>(into) ? a.count / N : 0, done = vectors * N;
  Vector<T, N> values;
#pragma unroll
  for (int j = 0; j < N; j++) values.at[j] = value;
  each_index(vectors, [&](long long i) { store_vector(into + i * N, values); });
  each_index(a.count - done, [&](long long i) { into[done + i] = value; });
}

KERNEL(fill_4, 256, FillArguments) { fill<u32>(a); }
KERNEL(fill_2, 256, FillArguments) { fill<u16>(a); }

/**
 * global-norm: the square root of the sum of squares, in float64: a sum for every chunk of elements, then one block
 * over all of them. Chunks depend on the count alone.
 */
#include "double-sum.cuh"
#include "elementwise.cuh"

/** The same as in global-norm.ts. */
constexpr int CHUNK = 16384;

struct GlobalNormArguments {
  const void *x;
  double *partials;
  long long count;
};

template <class T>
DEVICE void global_norm(const GlobalNormArguments& a) {
  constexpr int N = WIDE<T>, THREADS = 256, UNROLL = 4;
  __shared__ double scratch[THREADS];
  const long long first = static_cast<long long>(blockIdx.x) * CHUNK;
  const T* x = static_cast<const T*>(a.x) + first;
  const int count = static_cast<int>(min(static_cast<long long>(CHUNK), a.count - first));
  const int vectors = is_aligned<N>(x) ? count / N : 0;
  double sums[2] = {0, 0};
  const auto add = [&](T element, int which) {
    const double value = to_float(element);
    sums[which] = fma(value, value, sums[which]);
  };
  const auto add_vector = [&](const Vector<T, N>& elements) {
#pragma unroll
    for (int j = 0; j < N; j++) add(elements.at[j], j & 1);
  };
  int i = threadIdx.x;
  for (; i + (UNROLL - 1) * THREADS < vectors; i += UNROLL * THREADS) {
    Vector<T, N> loaded[UNROLL];
#pragma unroll
    for (int u = 0; u < UNROLL; u++) loaded[u] = load_vector<N>(x + (i + u * THREADS) * N);
#pragma unroll
    for (int u = 0; u < UNROLL; u++) add_vector(loaded[u]);
  }
  for (; i < vectors; i += THREADS) add_vector(load_vector<N>(x + i * N));
  for (int j = vectors * N + threadIdx.x; j < count; j += THREADS) add(x[j], 0);
  const double sum = block_sum<THREADS>(sums[0] + sums[1], scratch);
  if (threadIdx.x == 0) a.partials[blockIdx.x] = sum;
}

KERNEL(global_norm_f32, 256, GlobalNormArguments) { global_norm<float>(a); }
KERNEL(global_norm_bf16, 256, GlobalNormArguments) { global_norm<bf16>(a); }

struct GlobalNormRootArguments {
  const double *partials;
  float *norm;
  int chunks;
};

/** One block. */
KERNEL(global_norm_root, 1024, GlobalNormRootArguments) {
  __shared__ double scratch[1024];
  double sum = 0;
#pragma unroll 8
  for (int i = threadIdx.x; i < a.chunks; i += 1024) sum += a.partials[i];
  sum = block_sum<1024>(sum, scratch);
  if (threadIdx.x == 0) *a.norm = static_cast<float>(sqrt(sum));
}

/** argmax: index of the first largest element of each row; the first NaN counts as largest. */
#include "ordered.cuh"

struct ArgmaxArguments {
  const void *x;
  int *y;
  int rows;
  int width;
};

/** The larger element wins, then the lower index. */
DEVICE u64 warp_best(u64 best) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) {
    const u64 other = __shfl_xor_sync(FULL_WARP, best, step);
    if (other > best) best = other;
  }
  return best;
}

constexpr int THREADS = 1024;

/** A block a row, so that one long row (a token to choose) is read by many. */
template <class T>
DEVICE void argmax(const ArgmaxArguments& a) {
  constexpr int N = WIDE<T>;
  __shared__ u64 scratch[THREADS / 32];
  const T* x = static_cast<const T*>(a.x) + static_cast<long long>(blockIdx.x) * a.width;
  u64 best = 0;
  const auto consider = [&](T element, int i) {
    const u64 candidate = static_cast<u64>(ordered(to_float(element))) << 32 | ~static_cast<u32>(i);
    if (candidate > best) best = candidate;
  };
  const int vectors = is_wide(x, N) ? a.width / N : 0;
#pragma unroll 2
  for (int i = threadIdx.x; i < vectors; i += blockDim.x) {
    const Vector<T, N> elements = load_vector<N>(x + i * N);
#pragma unroll
    for (int j = 0; j < N; j++) consider(elements.at[j], i * N + j);
  }
  for (int i = vectors * N + threadIdx.x; i < a.width; i += blockDim.x) consider(x[i], i);
  best = warp_best(best);
  if (lane_index() == 0) scratch[warp_index()] = best;
  __syncthreads();
  if (warp_index() > 0) return;
  best = warp_best(lane_index() < blockDim.x / 32 ? scratch[lane_index()] : 0);
  if (lane_index() == 0) a.y[blockIdx.x] = static_cast<int>(~static_cast<u32>(best));
}

KERNEL(argmax_f32, 1024, ArgmaxArguments) { argmax<float>(a); }
KERNEL(argmax_bf16, 1024, ArgmaxArguments) { argmax<bf16>(a); }

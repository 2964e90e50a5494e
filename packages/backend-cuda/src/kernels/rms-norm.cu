/**
 * rms_norm: y = x * inverseRms * weight for each row, and inverseRms. Without a weight (0) only the scale. The kernels are
 * cut by width as those of sparsify.cu are, so that both take the same norm.
 */
#include "device.cuh"

struct RmsNormArguments {
  const void *x;
  const void *weight;
  void *y;
  float *inverse_rms;
  int rows;
  int width;
  int weight_is_bf16;
  float epsilon;
};

#include "row-any.cuh"

template <class T, int LANES, int WARPS>
DEVICE void rms_norm(const RmsNormArguments& a) {
  using Here = Team<T, LANES, WARPS>;
  __shared__ u32 slots[2][WARPS];
  Exchange<Here> exchange{slots};
  const NormWeight weight{a.weight, a.weight_is_bf16 != 0};
  each_row<Here>(a.rows, place_of<Here>(a.width), [&](int index, const Place& place) {
    const long long first = static_cast<long long>(index) * a.width;
    u32 row[VECTORS][WORDS];
#pragma unroll
    for (int v = 0; v < VECTORS; v++) load_words<Here>(row[v], static_cast<const T*>(a.x) + first, place, v);
    const float inverse = inverse_rms<Here>(row, place.vectors, a.width, a.epsilon, exchange);
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
      if (v >= place.vectors) break;
      norm_words<Here>(row[v], inverse, weight, place, v);
      store_words<Here>(static_cast<T*>(a.y) + first, place, v, row[v]);
    }
    if (is_first(place)) a.inverse_rms[index] = inverse;
  });
}

template <class T>
DEVICE void rms_norm_any(const RmsNormArguments& a) {
  __shared__ float scratch[32];
  const NormWeight weight{a.weight, a.weight_is_bf16 != 0};
  for (int row = blockIdx.x; row < a.rows; row += gridDim.x) {
    const long long first = static_cast<long long>(row) * a.width;
    const T* x = static_cast<const T*>(a.x) + first;
    T* y = static_cast<T*>(a.y) + first;
    const float inverse = inverse_rms_of_any(x, a.width, a.epsilon, scratch);
    for (int i = threadIdx.x; i < a.width; i += ANY_THREADS) y[i] = normed(x[i], inverse, weight, i);
    if (threadIdx.x == 0) a.inverse_rms[row] = inverse;
  }
}

KERNEL(rms_norm_narrow_bf16, 256, RmsNormArguments) { rms_norm<bf16, 16, 1>(a); }
KERNEL(rms_norm_warp_bf16, 256, RmsNormArguments) { rms_norm<bf16, 32, 1>(a); }
KERNEL(rms_norm_warps_bf16, 128, RmsNormArguments) { rms_norm<bf16, 32, 4>(a); }
KERNEL(rms_norm_block_bf16, 256, RmsNormArguments) { rms_norm<bf16, 32, 8>(a); }
KERNEL(rms_norm_any_bf16, 256, RmsNormArguments) { rms_norm_any<bf16>(a); }
KERNEL(rms_norm_narrow_f32, 256, RmsNormArguments) { rms_norm<float, 16, 1>(a); }
KERNEL(rms_norm_warp_f32, 256, RmsNormArguments) { rms_norm<float, 32, 1>(a); }
KERNEL(rms_norm_warps_f32, 128, RmsNormArguments) { rms_norm<float, 32, 4>(a); }
KERNEL(rms_norm_block_f32, 512, RmsNormArguments) { rms_norm<float, 32, 16>(a); }
KERNEL(rms_norm_any_f32, 256, RmsNormArguments) { rms_norm_any<float>(a); }

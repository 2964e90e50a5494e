/**
 * sparsify: y = h * mask or int8(h) * mask, h = x or its RMSNorm. quantize-int8 (keep everything) and select (write the
 * mask) are the same kernels. A row whose h holds NaN or infinity becomes NaN.
 *
 * Kernels for rows of whole vectors, by the entries of bf16 (half as many of float32): two rows a warp up to 1024, a warp a
 * row up to 2048, four warps up to 8192, a block beyond, up to 16384 of either. Short blocks of
 * bf16: sparsify_groups_*, cut alike. Every other row, and other blocks: sparsify_any_*.
 */
#include "device.cuh"

struct SparsifyArguments {
  const void *x;
  const void *weight;
  void *y;
  float *inverse_rms;
  int rows;
  int width;
  int keep;
  int block;
  int output;
  int weight_is_bf16;
  int in_shared;
  float epsilon;
};

#include "sparsify-any.cuh"
#include "sparsify-groups.cuh"

DEVICE Site site_of(const SparsifyArguments& a) {
  const NormWeight weight{a.weight, a.weight_is_bf16 != 0};
  return {a.y, a.inverse_rms, weight, a.rows, a.width, a.keep, static_cast<SiteOutput>(a.output), a.epsilon};
}

template <class T, int LANES, int WARPS>
DEVICE void sparsify(const SparsifyArguments& a) {
  using Here = Team<T, LANES, WARPS>;
  const T* x = static_cast<const T*>(a.x);
  sparsify_rows<Here>(site_of(a), [&](u32(&row)[VECTORS][WORDS], long long first, const Place& place) {
#pragma unroll
    for (int v = 0; v < VECTORS; v++) load_words<Here>(row[v], x + first, place, v);
  });
}

template <class T>
DEVICE void sparsify_any(const SparsifyArguments& a) {
  DYNAMIC_SHARED(shared);
  sparsify_any_rows<T>(site_of(a), a.block, static_cast<const T*>(a.x), a.in_shared ? reinterpret_cast<T*>(shared) : nullptr);
}

template <int LANES, int WARPS>
DEVICE void sparsify_groups(const SparsifyArguments& a) {
  sparsify_rows_in_blocks<Team<bf16, LANES, WARPS>>(site_of(a), a.block, static_cast<const bf16*>(a.x));
}

KERNEL(sparsify_narrow_bf16, 256, SparsifyArguments) { sparsify<bf16, 16, 1>(a); }
KERNEL(sparsify_warp_bf16, 256, SparsifyArguments) { sparsify<bf16, 32, 1>(a); }
KERNEL(sparsify_warps_bf16, 128, SparsifyArguments) { sparsify<bf16, 32, 4>(a); }
KERNEL(sparsify_block_bf16, 256, SparsifyArguments) { sparsify<bf16, 32, 8>(a); }
KERNEL(sparsify_any_bf16, 256, SparsifyArguments) { sparsify_any<bf16>(a); }
KERNEL(sparsify_groups_narrow, 256, SparsifyArguments) { sparsify_groups<16, 1>(a); }
KERNEL(sparsify_groups_warp, 256, SparsifyArguments) { sparsify_groups<32, 1>(a); }
KERNEL(sparsify_groups_warps, 128, SparsifyArguments) { sparsify_groups<32, 4>(a); }
KERNEL(sparsify_groups_block, 256, SparsifyArguments) { sparsify_groups<32, 8>(a); }
KERNEL(sparsify_narrow_f32, 256, SparsifyArguments) { sparsify<float, 16, 1>(a); }
KERNEL(sparsify_warp_f32, 256, SparsifyArguments) { sparsify<float, 32, 1>(a); }
KERNEL(sparsify_warps_f32, 128, SparsifyArguments) { sparsify<float, 32, 4>(a); }
KERNEL(sparsify_block_f32, 512, SparsifyArguments) { sparsify<float, 32, 16>(a); }
KERNEL(sparsify_any_f32, 256, SparsifyArguments) { sparsify_any<float>(a); }

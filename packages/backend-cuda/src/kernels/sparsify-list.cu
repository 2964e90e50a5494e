/**
 * sparsify-list: what sparsify lets through, as the list that compact makes of it, in one launch. For rows that registers
 * hold and cuts of whole rows; sparsify-list.ts has the others. Few rows of bf16 have a block each: sparsify_list_few_*, by the
 * vectors of a thread.
 */
#include "device.cuh"

struct SparsifyListArguments {
  const void *x;
  const void *weight;
  float *inverse_rms;
  int *indices;
  float *values;
  signed char *codes;
  int *count;
  float *scale;
  int rows;
  int width;
  int keep;
  int length;
  int weight_is_bf16;
  float epsilon;
};

#include "list-few.cuh"

DEVICE void fetch_ahead(const SparsifyListArguments& a) { fetch_factors(a.weight, a.width, a.weight_is_bf16 != 0); }

template <class T, int LANES, int WARPS>
DEVICE void sparsify_list(const SparsifyListArguments& a) {
  using Here = Team<T, LANES, WARPS>;
  const T* x = static_cast<const T*>(a.x);
  const NormWeight weight{a.weight, a.weight_is_bf16 != 0};
  const Site site{nullptr, a.inverse_rms, weight, a.rows, a.width, a.keep, a.codes ? LEVELS : VALUES, a.epsilon};
  const Lists lists{a.indices, a.values, a.codes, a.count, a.scale, a.length, true};
  const auto load = [&](u32(&row)[VECTORS][WORDS], long long first, const Place& place) {
#pragma unroll
    for (int v = 0; v < VECTORS; v++) load_words<Here>(row[v], x + first, place, v);
  };
  select_rows<Here>(site, load, [&](int index, const auto& row, const Place& place, int largest, auto masks_of, auto& exchange) {
    write_list<Here>(lists, index, row, place, largest, masks_of, exchange);
  });
}

template <int HELD>
DEVICE void sparsify_list_few(const SparsifyListArguments& a) {
  const NormWeight weight{a.weight, a.weight_is_bf16 != 0};
  const Site site{nullptr, a.inverse_rms, weight, a.rows, a.width, a.keep, a.codes ? LEVELS : VALUES, a.epsilon};
  const Lists lists{a.indices, a.values, a.codes, a.count, a.scale, a.length, true};
  const bf16* x = static_cast<const bf16*>(a.x) + static_cast<long long>(blockIdx.x) * a.width;
  list_of_row<HELD, 1>(
      site, lists, [&](u32(&sources)[1][HELD][WORDS]) { load_held<HELD>(sources[0], x, a.width); },
      [](u32(&)[1][HELD][WORDS]) {});
}

KERNEL(sparsify_list_few_1, 512, SparsifyListArguments) { sparsify_list_few<1>(a); }
KERNEL(sparsify_list_few_2, 768, SparsifyListArguments) { sparsify_list_few<2>(a); }
KERNEL(sparsify_list_few_4, 512, SparsifyListArguments) { sparsify_list_few<4>(a); }
KERNEL(sparsify_list_narrow_bf16, 256, SparsifyListArguments) { sparsify_list<bf16, 16, 1>(a); }
KERNEL(sparsify_list_warp_bf16, 256, SparsifyListArguments) { sparsify_list<bf16, 32, 1>(a); }
KERNEL(sparsify_list_warps_bf16, 128, SparsifyListArguments) { sparsify_list<bf16, 32, 4>(a); }
KERNEL(sparsify_list_block_bf16, 256, SparsifyListArguments) { sparsify_list<bf16, 32, 8>(a); }
KERNEL(sparsify_list_narrow_f32, 256, SparsifyListArguments) { sparsify_list<float, 16, 1>(a); }
KERNEL(sparsify_list_warp_f32, 256, SparsifyListArguments) { sparsify_list<float, 32, 1>(a); }
KERNEL(sparsify_list_warps_f32, 128, SparsifyListArguments) { sparsify_list<float, 32, 4>(a); }
KERNEL(sparsify_list_block_f32, 512, SparsifyListArguments) { sparsify_list<float, 32, 16>(a); }

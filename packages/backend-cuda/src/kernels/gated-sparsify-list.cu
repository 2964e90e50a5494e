/**
 * gated-sparsify-list: h = act(gate) * up of rows of gate then up, in bf16, and what sparsify lets through of it as a list,
 * in one launch. For the rows and activations of gated_sparsify_*; gated-sparsify-list.ts has the others. Few rows have a
 * block each: gated_sparsify_list_few_*, by the vectors of a thread.
 */
#include "device.cuh"

struct GatedSparsifyListArguments {
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
  int kind;
  int poisons;
  float epsilon;
};

#include "gated-row.cuh"
#include "list-few.cuh"

DEVICE void fetch_ahead(const GatedSparsifyListArguments& a) { fetch_factors(a.weight, a.width, a.weight_is_bf16 != 0); }

template <int LANES, int WARPS>
DEVICE void gated_sparsify_list(const GatedSparsifyListArguments& a) {
  using Here = Team<bf16, LANES, WARPS>;
  const bf16* x = static_cast<const bf16*>(a.x);
  const NormWeight weight{a.weight, a.weight_is_bf16 != 0};
  const Site site{nullptr, a.inverse_rms, weight, a.rows, a.width, a.keep, a.codes ? LEVELS : VALUES, a.epsilon};
  const Lists lists{a.indices, a.values, a.codes, a.count, a.scale, a.length, a.poisons != 0};
  const auto load = [&](u32(&row)[VECTORS][WORDS], long long first, const Place& place) {
    load_gated<Here>(row, x + 2 * first, a.width, a.kind, place);
  };
  select_rows<Here>(site, load, [&](int index, const auto& row, const Place& place, int largest, auto masks_of, auto& exchange) {
    write_list<Here>(lists, index, row, place, largest, masks_of, exchange);
  });
}

template <int HELD>
DEVICE void gated_sparsify_list_few(const GatedSparsifyListArguments& a) {
  const NormWeight weight{a.weight, a.weight_is_bf16 != 0};
  const Site site{nullptr, a.inverse_rms, weight, a.rows, a.width, a.keep, a.codes ? LEVELS : VALUES, a.epsilon};
  const Lists lists{a.indices, a.values, a.codes, a.count, a.scale, a.length, a.poisons != 0};
  const bf16* gate = static_cast<const bf16*>(a.x) + 2 * static_cast<long long>(blockIdx.x) * a.width;
  list_of_row<HELD, 2>(
      site, lists,
      [&](u32(&sources)[2][HELD][WORDS]) {
        load_held<HELD>(sources[0], gate, a.width);
        load_held<HELD>(sources[1], gate + a.width, a.width);
      },
      [&](u32(&sources)[2][HELD][WORDS]) {
        if (a.kind == GATED_SILU) gate_words<GATED_SILU>(sources[0], sources[1]);
        else gate_words<GATED_SQUARED_RELU>(sources[0], sources[1]);
      });
}

KERNEL(gated_sparsify_list_few_1, 512, GatedSparsifyListArguments) { gated_sparsify_list_few<1>(a); }
KERNEL(gated_sparsify_list_few_2, 768, GatedSparsifyListArguments) { gated_sparsify_list_few<2>(a); }
KERNEL(gated_sparsify_list_few_4, 512, GatedSparsifyListArguments) { gated_sparsify_list_few<4>(a); }
KERNEL(gated_sparsify_list_narrow, 256, GatedSparsifyListArguments) { gated_sparsify_list<16, 1>(a); }
KERNEL(gated_sparsify_list_warp, 256, GatedSparsifyListArguments) { gated_sparsify_list<32, 1>(a); }
KERNEL(gated_sparsify_list_warps, 128, GatedSparsifyListArguments) { gated_sparsify_list<32, 4>(a); }
KERNEL(gated_sparsify_list_block, 256, GatedSparsifyListArguments) { gated_sparsify_list<32, 8>(a); }

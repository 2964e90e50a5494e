/**
 * gated_sparsify: h = act(gate) * up of rows of gate then up, in bf16, and then what sparsify does with rows of h, which
 * are never written. For rows of whole vectors and the two usual activations; gated-sparsify.ts has the others.
 */
#include "device.cuh"

struct GatedSparsifyArguments {
  const void *x;
  const void *weight;
  void *y;
  float *inverse_rms;
  int rows;
  int width;
  int keep;
  int output;
  int weight_is_bf16;
  int kind;
  float epsilon;
};

#include "gated-row.cuh"
#include "sparsify-row.cuh"

template <int LANES, int WARPS>
DEVICE void gated_sparsify(const GatedSparsifyArguments& a) {
  using Here = Team<bf16, LANES, WARPS>;
  const NormWeight weight{a.weight, a.weight_is_bf16 != 0};
  const Site site{a.y, a.inverse_rms, weight, a.rows, a.width, a.keep, static_cast<SiteOutput>(a.output), a.epsilon};
  const bf16* x = static_cast<const bf16*>(a.x);
  sparsify_rows<Here>(site, [&](u32(&row)[VECTORS][WORDS], long long first, const Place& place) {
    load_gated<Here>(row, x + 2 * first, a.width, a.kind, place);
  });
}

KERNEL(gated_sparsify_narrow, 256, GatedSparsifyArguments) { gated_sparsify<16, 1>(a); }
KERNEL(gated_sparsify_warp, 256, GatedSparsifyArguments) { gated_sparsify<32, 1>(a); }
KERNEL(gated_sparsify_warps, 128, GatedSparsifyArguments) { gated_sparsify<32, 4>(a); }
KERNEL(gated_sparsify_block, 256, GatedSparsifyArguments) { gated_sparsify<32, 8>(a); }

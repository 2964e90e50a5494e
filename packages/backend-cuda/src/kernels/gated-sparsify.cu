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

#include "gated-activation.cuh"
#include "sparsify-row.cuh"

/** Vectors of gate and up that are loaded before the first is used. */
constexpr int AHEAD = 4;

template <class Team, GatedKind KIND>
DEVICE void gate_row(u32 (&row)[VECTORS][WORDS], const bf16* gate, const bf16* up, const Place& place) {
#pragma unroll
  for (int first = 0; first < VECTORS; first += AHEAD) {
    if (first >= place.vectors) {
#pragma unroll
      for (int v = first; v < first + AHEAD; v++)
#pragma unroll
        for (int i = 0; i < WORDS; i++) row[v][i] = 0;
      continue;
    }
    u32 ups[AHEAD][WORDS];
#pragma unroll
    for (int v = 0; v < AHEAD; v++) {
      load_words<Team>(row[first + v], gate, place, first + v);
      load_words<Team>(ups[v], up, place, first + v);
    }
#pragma unroll
    for (int v = 0; v < AHEAD; v++) {
#pragma unroll
      for (int i = 0; i < WORDS; i++) {
        const u32 gates = row[first + v][i], factors = ups[v][i];
        row[first + v][i] = pack_bf16(activation<bf16, KIND>(low_bf16(gates)).value * low_bf16(factors),
                                      activation<bf16, KIND>(high_bf16(gates)).value * high_bf16(factors));
      }
    }
  }
}

template <int LANES, int WARPS>
DEVICE void gated_sparsify(const GatedSparsifyArguments& a) {
  using Here = Team<bf16, LANES, WARPS>;
  const NormWeight weight{a.weight, a.weight_is_bf16 != 0};
  const Site site{a.y, a.inverse_rms, weight, a.rows, a.width, a.keep, static_cast<SiteOutput>(a.output), a.epsilon};
  const bf16* x = static_cast<const bf16*>(a.x);
  sparsify_rows<Here>(site, [&](u32(&row)[VECTORS][WORDS], long long first, const Place& place) {
    const bf16* gate = x + 2 * first;
    if (a.kind == GATED_SILU) gate_row<Here, GATED_SILU>(row, gate, gate + a.width, place);
    else gate_row<Here, GATED_SQUARED_RELU>(row, gate, gate + a.width, place);
  });
}

KERNEL(gated_sparsify_narrow, 256, GatedSparsifyArguments) { gated_sparsify<16, 1>(a); }
KERNEL(gated_sparsify_warp, 256, GatedSparsifyArguments) { gated_sparsify<32, 1>(a); }
KERNEL(gated_sparsify_warps, 128, GatedSparsifyArguments) { gated_sparsify<32, 4>(a); }
KERNEL(gated_sparsify_block, 256, GatedSparsifyArguments) { gated_sparsify<32, 8>(a); }

/**
 * gated_sparsify_backward with a norm, bf16: h = act(gate) * up again from rows of gate then up, rounded as forward did;
 * dh through the norm as in norm-backward.cuh; dGate = act'(gate) * up * dh and dUp = act(gate) * dh. For rows of whole
 * vectors and the two usual activations; gated-sparsify-backward.ts has the others.
 */
#include "device.cuh"

struct GatedSparsifyBackwardArguments {
  const void *dy;
  const void *x;
  const void *weight;
  const float *inverse_rms;
  void *dx;
  float *partial;
  int rows;
  int width;
  int weight_is_bf16;
  int kind;
};

#include "gated-activation.cuh"
#include "norm-backward.cuh"

template <class Team, GatedKind KIND>
DEVICE void gated_norm_backward(const GatedSparsifyBackwardArguments& a) {
  const NormGradient n{a.dy, {a.weight, a.weight_is_bf16 != 0}, a.inverse_rms, a.partial, a.rows, a.width};
  u32 gates[FEW][WORDS], ups[FEW][WORDS];
  norm_backward_rows<Team>(
      n,
      [&](u32(&h)[FEW][WORDS], int row, const Place& place) {
        const bf16* from = static_cast<const bf16*>(a.x) + 2 * static_cast<long long>(row) * a.width;
#pragma unroll
        for (int v = 0; v < FEW; v++) {
          load_words<Team>(gates[v], from, place, v);
          load_words<Team>(ups[v], from + a.width, place, v);
        }
#pragma unroll
        for (int v = 0; v < FEW; v++)
#pragma unroll
          for (int i = 0; i < WORDS; i++)
            h[v][i] = pack_bf16(activation<bf16, KIND>(low_bf16(gates[v][i])).value * low_bf16(ups[v][i]),
                                activation<bf16, KIND>(high_bf16(gates[v][i])).value * high_bf16(ups[v][i]));
      },
      [&](const float(&dh)[Team::N], int row, const Place& place, int v) {
        u32 of_gate[WORDS], of_up[WORDS];
#pragma unroll
        for (int i = 0; i < WORDS; i++) {
          const Activation low = activation<bf16, KIND>(low_bf16(gates[v][i]));
          const Activation high = activation<bf16, KIND>(high_bf16(gates[v][i]));
          of_gate[i] = pack_bf16(low.slope * (dh[2 * i] * low_bf16(ups[v][i])),
                                 high.slope * (dh[2 * i + 1] * high_bf16(ups[v][i])));
          of_up[i] = pack_bf16(low.value * dh[2 * i], high.value * dh[2 * i + 1]);
        }
        bf16* to = static_cast<bf16*>(a.dx) + 2 * static_cast<long long>(row) * a.width;
        store_words<Team>(to, place, v, of_gate);
        store_words<Team>(to + a.width, place, v, of_up);
      });
}

template <int LANES, int WARPS>
DEVICE void gated_sparsify_backward(const GatedSparsifyBackwardArguments& a) {
  using Here = Team<bf16, LANES, WARPS>;
  if (a.kind == GATED_SILU) gated_norm_backward<Here, GATED_SILU>(a);
  else gated_norm_backward<Here, GATED_SQUARED_RELU>(a);
}

KERNEL(gated_sparsify_backward_narrow, 256, GatedSparsifyBackwardArguments) { gated_sparsify_backward<16, 1>(a); }
KERNEL(gated_sparsify_backward_warp, 256, GatedSparsifyBackwardArguments) { gated_sparsify_backward<32, 1>(a); }
KERNEL(gated_sparsify_backward_warps, 128, GatedSparsifyBackwardArguments) { gated_sparsify_backward<32, 4>(a); }
KERNEL(gated_sparsify_backward_block, 256, GatedSparsifyBackwardArguments) { gated_sparsify_backward<32, 8>(a); }

/**
 * gated_activation_backward: dGate = act'(gate) * up * dy, dUp = act(gate) * dy. Rows of gate, up, dGate and dUp are
 * `stride` entries apart, those of dy `width`: the halves of one tensor, or dense ones as a single row.
 */
#include "elementwise.cuh"
#include "gated-activation.cuh"

struct GatedActivationBackwardArguments {
  const void *gate;
  const void *up;
  const void *dy;
  void *d_gate;
  void *d_up;
  long long count;
  long long width;
  long long stride;
  int kind;
};

template <class T, int N>
struct GatedGradients {
  Vector<T, N> gate, up, dy;
};

template <class T, GatedKind KIND, int N>
DEVICE void gradient_pieces(const GatedActivationBackwardArguments& a, long long from) {
  const T *gate = static_cast<const T*>(a.gate), *up = static_cast<const T*>(a.up), *dy = static_cast<const T*>(a.dy);
  T *d_gate = static_cast<T*>(a.d_gate), *d_up = static_cast<T*>(a.d_up);
  const long long pieces = a.width / N, skipped = from / N, count = a.count / N - skipped;
  const bool small = a.count < 0x7fffffff;
  each<2>(
      count,
      [&](long long i) {
        const GatedPlace place = gated_place(i + skipped, pieces, a.stride, N, small);
        return GatedGradients<T, N>{load_vector<N>(gate + place.gated), load_vector<N>(up + place.gated),
                                    load_vector<N>(dy + place.narrow)};
      },
      [&](long long i, const GatedGradients<T, N>& from) {
        const long long at = gated_place(i + skipped, pieces, a.stride, N, small).gated;
        Vector<T, N> of_gate, of_up;
#pragma unroll
        for (int j = 0; j < N; j++) {
          const Activation act = activation<T, KIND>(to_float(from.gate.at[j]));
          const float dy = to_float(from.dy.at[j]);
          of_gate.at[j] = from_float<T>(act.slope * (dy * to_float(from.up.at[j])));
          of_up.at[j] = from_float<T>(act.value * dy);
        }
        store_vector(d_gate + at, of_gate);
        store_vector(d_up + at, of_up);
      });
}

template <class T, GatedKind KIND>
DEVICE void gated_activation_backward_of(const GatedActivationBackwardArguments& a) {
  constexpr int N = WIDE<T>;
  const bool one_row = a.width == a.count;
  // A single row has a rest that is no whole vector.
  const long long width = one_row ? a.width / N * N : a.width;
  const bool wide = width > 0 && width % N == 0 && is_aligned<N>(static_cast<const T*>(a.gate)) &&
                    is_aligned<N>(static_cast<const T*>(a.up)) && is_aligned<N>(static_cast<const T*>(a.dy)) &&
                    is_aligned<N>(static_cast<const T*>(a.d_gate)) && is_aligned<N>(static_cast<const T*>(a.d_up));
  if (wide) gradient_pieces<T, KIND, N>(a, 0);
  const long long done = !wide ? 0 : one_row ? width : a.count;
  if (done < a.count) gradient_pieces<T, KIND, 1>(a, done);
}

template <class T>
DEVICE void gated_activation_backward(const GatedActivationBackwardArguments& a) {
  switch (a.kind) {
    case GATED_SQUARED_RELU: return gated_activation_backward_of<T, GATED_SQUARED_RELU>(a);
    case GATED_SILU: return gated_activation_backward_of<T, GATED_SILU>(a);
    default: return gated_activation_backward_of<T, GATED_GELU>(a);
  }
}

KERNEL(gated_activation_backward_f32, 256, GatedActivationBackwardArguments) { gated_activation_backward<float>(a); }
KERNEL(gated_activation_backward_bf16, 256, GatedActivationBackwardArguments) { gated_activation_backward<bf16>(a); }

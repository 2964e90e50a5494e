/**
 * gated_activation: y = act(gate) * up. Rows of gate and up are `stride` entries apart, those of y `width`: the halves of
 * one tensor, or two dense ones as a single row.
 */
#include "elementwise.cuh"
#include "gated-activation.cuh"

struct GatedActivationArguments {
  const void *gate;
  const void *up;
  void *y;
  long long count;
  long long width;
  long long stride;
  int kind;
};

template <class T, GatedKind KIND, int N>
DEVICE void gate_pieces(const GatedActivationArguments& a, long long from) {
  const T *gate = static_cast<const T*>(a.gate), *up = static_cast<const T*>(a.up);
  T* y = static_cast<T*>(a.y);
  const long long pieces = a.width / N, skipped = from / N, count = a.count / N - skipped;
  const bool small = a.count < 0x7fffffff;
  each<2>(
      count,
      [&](long long i) {
        const long long at = gated_place(i + skipped, pieces, a.stride, N, small).gated;
        return VectorPair<T, T, N>{load_vector<N>(gate + at), load_vector<N>(up + at)};
      },
      [&](long long i, const VectorPair<T, T, N>& from) {
        Vector<T, N> to;
#pragma unroll
        for (int j = 0; j < N; j++)
          to.at[j] = from_float<T>(activation<T, KIND>(to_float(from.a.at[j])).value * to_float(from.b.at[j]));
        store_vector(y + (i + skipped) * N, to);
      });
}

template <class T, GatedKind KIND>
DEVICE void gated_activation_of(const GatedActivationArguments& a) {
  constexpr int N = WIDE<T>;
  const bool one_row = a.width == a.count;
  // A single row has a rest that is no whole vector.
  const long long width = one_row ? a.width / N * N : a.width;
  const bool wide = width > 0 && width % N == 0 && is_aligned<N>(static_cast<const T*>(a.gate)) &&
                    is_aligned<N>(static_cast<const T*>(a.up)) && is_aligned<N>(static_cast<const T*>(a.y));
  if (wide) gate_pieces<T, KIND, N>(a, 0);
  const long long done = !wide ? 0 : one_row ? width : a.count;
  if (done < a.count) gate_pieces<T, KIND, 1>(a, done);
}

template <class T>
DEVICE void gated_activation(const GatedActivationArguments& a) {
  switch (a.kind) {
    case GATED_SQUARED_RELU: return gated_activation_of<T, GATED_SQUARED_RELU>(a);
    case GATED_SILU: return gated_activation_of<T, GATED_SILU>(a);
    default: return gated_activation_of<T, GATED_GELU>(a);
  }
}

KERNEL(gated_activation_f32, 256, GatedActivationArguments) { gated_activation<float>(a); }
KERNEL(gated_activation_bf16, 256, GatedActivationArguments) { gated_activation<bf16>(a); }

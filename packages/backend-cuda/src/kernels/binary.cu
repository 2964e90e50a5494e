/** binary: y = a op b, element by element, f32 or bf16; b has `period` elements and repeats over a (1: a scalar). */
#include "elementwise.cuh"

/** The same order as in binary.ts. */
enum BinaryKind { ADD, SUBTRACT, MULTIPLY, DIVIDE };

struct BinaryArguments {
  const void *a;
  const void *b;
  void *y;
  long long count;
  long long period;
  int kind;
};

template <class T, BinaryKind KIND>
DEVICE T combine(T a, T b) {
  const float x = to_float(a), y = to_float(b);
  return from_float<T>(KIND == ADD ? x + y : KIND == SUBTRACT ? x - y : KIND == MULTIPLY ? x * y : x / y);
}

/** In vectors where whole ones of b repeat, or b is a number. */
template <class T, BinaryKind KIND>
DEVICE void apply(const BinaryArguments& arguments) {
  constexpr int N = WIDE<T>;
  const T *a = static_cast<const T*>(arguments.a), *b = static_cast<const T*>(arguments.b);
  T* y = static_cast<T*>(arguments.y);
  const long long count = arguments.count, period = arguments.period;
  const bool small = count <= 0xffffffffLL, same = period == count, number = period == 1;
  const auto place = [&](long long i) { return same ? i : i - quotient(i, period, small) * period; };
  const bool wide = number || (is_aligned<N>(b) && (same || period % N == 0));
  const long long vectors = wide && is_aligned<N>(a) && is_aligned<N>(y) ? count / N : 0;
  each<1>(
      vectors,
      [&](long long i) {
        VectorPair<T, T, N> from;
        from.a = load_vector<N>(a + i * N);
        if (!number) {
          from.b = load_vector<N>(b + place(i * N));
        } else {
#pragma unroll
          for (int j = 0; j < N; j++) from.b.at[j] = *b;
        }
        return from;
      },
      [&](long long i, const VectorPair<T, T, N>& from) {
        Vector<T, N> to;
#pragma unroll
        for (int j = 0; j < N; j++) to.at[j] = combine<T, KIND>(from.a.at[j], from.b.at[j]);
        store_vector(y + i * N, to);
      });
  each_index(count - vectors * N, [&](long long i) {
    const long long at = vectors * N + i;
    y[at] = combine<T, KIND>(a[at], b[place(at)]);
  });
}

template <class T>
DEVICE void binary(const BinaryArguments& a) {
  switch (a.kind) {
    case ADD: return apply<T, ADD>(a);
    case SUBTRACT: return apply<T, SUBTRACT>(a);
    case MULTIPLY: return apply<T, MULTIPLY>(a);
    default: return apply<T, DIVIDE>(a);
  }
}

KERNEL(binary_f32, 256, BinaryArguments) { binary<float>(a); }
KERNEL(binary_bf16, 256, BinaryArguments) { binary<bf16>(a); }

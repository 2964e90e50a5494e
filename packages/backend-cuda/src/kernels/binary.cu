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

/** A shorter b: vectors where whole ones lie in a period. */
template <class T, BinaryKind KIND>
DEVICE void repeat(const T* a, const T* b, T* y, long long count, long long period) {
  constexpr int N = WIDE<T>;
  const bool small = count <= 0xffffffffLL;
  const bool wide = is_aligned<N>(a) && is_aligned<N>(b) && is_aligned<N>(y) && period % N == 0;
  const auto place = [&](long long i) { return i - quotient(i, period, small) * period; };
  if (!wide) return each_index(count, [&](long long i) { y[i] = combine<T, KIND>(a[i], b[place(i)]); });
  each<1>(
      count / N,
      [&](long long i) {
        return VectorPair<T, T, N>{load_vector<N>(a + i * N), load_vector<N>(b + place(i * N))};
      },
      [&](long long i, const VectorPair<T, T, N>& from) {
        Vector<T, N> to;
#pragma unroll
        for (int j = 0; j < N; j++) to.at[j] = combine<T, KIND>(from.a.at[j], from.b.at[j]);
        store_vector(y + i * N, to);
      });
}

template <class T, BinaryKind KIND>
DEVICE void apply(const BinaryArguments& arguments) {
  const T *a = static_cast<const T*>(arguments.a), *b = static_cast<const T*>(arguments.b);
  T* y = static_cast<T*>(arguments.y);
  if (arguments.period == arguments.count) return map2(a, b, y, arguments.count, combine<T, KIND>);
  if (arguments.period > 1) return repeat<T, KIND>(a, b, y, arguments.count, arguments.period);
  const T scalar = *b;
  map(a, y, arguments.count, [=](T x) { return combine<T, KIND>(x, scalar); });
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

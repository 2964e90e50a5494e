/**
 * broadcast: y [rows, width], f32 or bf16. Leading: every row is x [width]. Last: row i is x[i], `width` times.
 */
#include "elementwise.cuh"

struct BroadcastArguments {
  const void *x;
  void *y;
  long long rows;
  long long width;
  int last;
};

template <class T>
DEVICE void broadcast(const BroadcastArguments& a) {
  constexpr int N = WIDE<T>;
  const T* x = static_cast<const T*>(a.x);
  T* y = static_cast<T*>(a.y);
  const long long count = a.rows * a.width;
  const bool small = count <= 0xffffffffLL;
  const auto row = [&](long long i) { return quotient(i, a.width, small); };
  const auto source = [&](long long i) { return a.last ? row(i) : i - row(i) * a.width; };
  const bool wide = a.width % N == 0 && is_aligned<N>(y) && (a.last || is_aligned<N>(x));
  if (!wide) return each_index(count, [&](long long i) { y[i] = x[source(i)]; });
  each_index(count / N, [&](long long i) {
    const T* from = x + source(i * N);
    Vector<T, N> values;
    if (a.last) {
      const T value = *from;
#pragma unroll
      for (int j = 0; j < N; j++) values.at[j] = value;
    } else {
      values = load_vector<N>(from);
    }
    store_vector(y + i * N, values);
  });
}

KERNEL(broadcast_f32, 256, BroadcastArguments) { broadcast<float>(a); }
KERNEL(broadcast_bf16, 256, BroadcastArguments) { broadcast<bf16>(a); }

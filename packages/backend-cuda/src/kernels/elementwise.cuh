/**
 * The loops of kernels that work element by element. A thread loads several vectors before it stores the first, so that
 * enough loads are under way to fill the memory; which thread takes which element never changes a result.
 */
#pragma once
#include "device.cuh"

/** Whether a vector of N elements may start here. */
template <int N, class T>
DEVICE bool is_aligned(const T* pointer) {
  return reinterpret_cast<u64>(pointer) % (sizeof(T) * N) == 0;
}

/** a / b; `small` says that both are below 2^32, where the division is several times cheaper. */
DEVICE long long quotient(long long a, long long b, bool small) {
  return small ? static_cast<long long>(static_cast<u32>(a) / static_cast<u32>(b)) : a / b;
}

/** store(i, load(i)) for every i < count; a thread loads UNROLL before it stores one. */
template <int UNROLL, class Load, class Store>
DEVICE void each(long long count, Load load, Store store) {
  const long long stride = blockDim.x, step = stride * UNROLL * gridDim.x;
  for (long long first = blockIdx.x * stride * UNROLL + threadIdx.x; first < count; first += step) {
    if (first + stride * (UNROLL - 1) < count) {
      decltype(load(first)) loaded[UNROLL];
#pragma unroll
      for (int u = 0; u < UNROLL; u++) loaded[u] = load(first + u * stride);
#pragma unroll
      for (int u = 0; u < UNROLL; u++) store(first + u * stride, loaded[u]);
    } else {
#pragma unroll 1
      for (long long i = first; i < count; i += stride) store(i, load(i));
    }
  }
}

/** run(i) for every i < count. */
template <class Run>
DEVICE void each_index(long long count, Run run) {
  const long long stride = static_cast<long long>(blockDim.x) * gridDim.x;
#pragma unroll 1
  for (long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride) run(i);
}

/** y[i] = f(x[i]); y may be x. */
template <class X, class Y, class F>
DEVICE void map(const X* x, Y* y, long long count, F f) {
  constexpr int N = sizeof(X) > sizeof(Y) ? WIDE<X> : WIDE<Y>;
  const long long vectors = is_aligned<N>(x) && is_aligned<N>(y) ? count / N : 0, done = vectors * N;
  each<2>(
      vectors, [&](long long i) { return load_vector<N>(x + i * N); },
      [&](long long i, const Vector<X, N>& from) {
        Vector<Y, N> to;
#pragma unroll
        for (int j = 0; j < N; j++) to.at[j] = f(from.at[j]);
        store_vector(y + i * N, to);
      });
  each<2>(
      count - done, [&](long long i) { return x[done + i]; }, [&](long long i, X from) { y[done + i] = f(from); });
}

template <class A, class B, int N>
struct VectorPair {
  Vector<A, N> a;
  Vector<B, N> b;
};

/** y[i] = f(a[i], b[i]); y may be a or b. */
template <class A, class B, class Y, class F>
DEVICE void map2(const A* a, const B* b, Y* y, long long count, F f) {
  constexpr int WIDEST = sizeof(A) > sizeof(B) ? sizeof(A) : sizeof(B), N = 16 / WIDEST;
  const bool wide = is_aligned<N>(a) && is_aligned<N>(b) && is_aligned<N>(y);
  const long long vectors = wide ? count / N : 0, done = vectors * N;
  each<1>(
      vectors,
      [&](long long i) { return VectorPair<A, B, N>{load_vector<N>(a + i * N), load_vector<N>(b + i * N)}; },
      [&](long long i, const VectorPair<A, B, N>& from) {
        Vector<Y, N> to;
#pragma unroll
        for (int j = 0; j < N; j++) to.at[j] = f(from.a.at[j], from.b.at[j]);
        store_vector(y + i * N, to);
      });
  each_index(count - done, [&](long long i) { y[done + i] = f(a[done + i], b[done + i]); });
}

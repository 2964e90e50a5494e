/** N neighbours of f32 or bf16 memory as floats, in accesses of 16 bytes or whatever N allows. */
#pragma once
#include "device.cuh"

template <int N>
struct FloatVector {
  float at[N];
};

/** `from` is a multiple of N elements, or of 16 bytes where they are more. */
template <int N, class T>
DEVICE FloatVector<N> load_floats(const T* from) {
  constexpr int PART = N < WIDE<T> ? N : WIDE<T>;
  FloatVector<N> floats;
#pragma unroll
  for (int first = 0; first < N; first += PART) {
    const Vector<T, PART> part = load_vector<PART>(from + first);
#pragma unroll
    for (int j = 0; j < PART; j++) floats.at[first + j] = to_float(part.at[j]);
  }
  return floats;
}

template <int N, class T>
DEVICE void store_floats(T* to, const FloatVector<N>& floats) {
  constexpr int PART = N < WIDE<T> ? N : WIDE<T>;
#pragma unroll
  for (int first = 0; first < N; first += PART) {
    Vector<T, PART> part;
#pragma unroll
    for (int j = 0; j < PART; j++) part.at[j] = from_float<T>(floats.at[first + j]);
    store_vector(to + first, part);
  }
}

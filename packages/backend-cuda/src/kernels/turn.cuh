/**
 * Pairs of a head's entries turned by the cosines and sines of their position, for rope.cu and the kernels of rotary
 * heads. Pairs are (i, i + half), or neighbours where INTERLEAVED. A position outside of the table gives NaN; nothing
 * outside of it is read. N pairs at a time: more than one needs addresses of 16 bytes.
 */
#pragma once
#include "float-vectors.cuh"

/** The pairs (first[j], second[j]). */
template <class T, int N>
struct Pairs {
  Vector<T, N> first;
  Vector<T, N> second;
};

/** N pairs of a head from pair number `pair` on. */
template <bool INTERLEAVED, int N, class T>
DEVICE Pairs<T, N> load_pairs(const T* head, int half, int pair) {
  if constexpr (!INTERLEAVED) {
    return {load_vector<N>(head + pair), load_vector<N>(head + half + pair)};
  } else if constexpr (N == 1) {
    return {load_vector<N>(head + 2 * pair), load_vector<N>(head + 2 * pair + 1)};
  } else {
    const Vector<T, 2 * N> entries = load_vector<2 * N>(head + 2 * pair);
    Pairs<T, N> pairs;
#pragma unroll
    for (int j = 0; j < N; j++) pairs.first.at[j] = entries.at[2 * j], pairs.second.at[j] = entries.at[2 * j + 1];
    return pairs;
  }
}

template <bool INTERLEAVED, int N, class T>
DEVICE void store_pairs(T* head, int half, int pair, const Pairs<T, N>& pairs) {
  if constexpr (!INTERLEAVED || N == 1) {
    store_vector(head + (INTERLEAVED ? 2 * pair : pair), pairs.first);
    store_vector(head + (INTERLEAVED ? 2 * pair + 1 : half + pair), pairs.second);
  } else {
    Vector<T, 2 * N> entries;
#pragma unroll
    for (int j = 0; j < N; j++) entries.at[2 * j] = pairs.first.at[j], entries.at[2 * j + 1] = pairs.second.at[j];
    store_vector(head + 2 * pair, entries);
  }
}

/** Cosines and sines, in turn. */
template <int N>
using Turns = FloatVector<2 * N>;

/** Those of N pairs from pair number `pair` on, in a row of the table [length, half, 2]; NaN without such a row. */
template <int N>
DEVICE Turns<N> load_turns(const float* table, long long row, int length, int half, int pair) {
  Turns<N> turns;
  if (row >= 0 && row < length) {
    const float* from = table + (row * half + pair) * 2;
    if constexpr (N > 1) turns = load_floats<2 * N>(from);
    else turns.at[0] = from[0], turns.at[1] = from[1];
  } else {
#pragma unroll
    for (int j = 0; j < 2 * N; j++) turns.at[j] = __uint_as_float(0x7fffffffu);
  }
  return turns;
}

/** `sign` -1 turns backwards. */
template <class T, int N>
DEVICE Pairs<T, N> turn(const Pairs<T, N>& pairs, const Turns<N>& turns, float sign) {
  Pairs<T, N> turned;
#pragma unroll
  for (int j = 0; j < N; j++) {
    const float first = to_float(pairs.first.at[j]), second = to_float(pairs.second.at[j]);
    const float cosine = turns.at[2 * j], sine = sign * turns.at[2 * j + 1];
    turned.first.at[j] = from_float<T>(first * cosine - second * sine);
    turned.second.at[j] = from_float<T>(first * sine + second * cosine);
  }
  return turned;
}

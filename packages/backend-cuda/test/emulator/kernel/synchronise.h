/** Barriers, fences, shuffles, votes and reductions of a warp as a kernel sees them. Each one may switch to another thread. */
#pragma once
#include "launch.h"

CONVERGENT void __syncthreads();
CONVERGENT int __syncthreads_count(int predicate);
CONVERGENT int __syncthreads_and(int predicate);
CONVERGENT int __syncthreads_or(int predicate);
CONVERGENT void __syncwarp(unsigned mask = 0xffffffffu);
void __threadfence();
void __threadfence_block();
// Inlined, so that what they call sees the kernel's own place in the code.
#define INLINED inline __attribute__((always_inline))

[[noreturn]] INLINED void __trap() { emulated::trap(); }

CONVERGENT unsigned __ballot_sync(unsigned mask, int predicate);
CONVERGENT int __any_sync(unsigned mask, int predicate);
CONVERGENT int __all_sync(unsigned mask, int predicate);
CONVERGENT unsigned __reduce_add_sync(unsigned mask, unsigned value);
CONVERGENT int __reduce_add_sync(unsigned mask, int value);
CONVERGENT unsigned __reduce_max_sync(unsigned mask, unsigned value);
CONVERGENT int __reduce_max_sync(unsigned mask, int value);
CONVERGENT unsigned __reduce_min_sync(unsigned mask, unsigned value);
CONVERGENT int __reduce_min_sync(unsigned mask, int value);
CONVERGENT unsigned __reduce_and_sync(unsigned mask, unsigned value);
CONVERGENT unsigned __reduce_or_sync(unsigned mask, unsigned value);
CONVERGENT unsigned __reduce_xor_sync(unsigned mask, unsigned value);

namespace emulated {
using Word = unsigned long long;
CONVERGENT Word shuffle_index(unsigned mask, Word value, unsigned lane, int width);
CONVERGENT Word shuffle_up(unsigned mask, Word value, unsigned by, int width);
CONVERGENT Word shuffle_down(unsigned mask, Word value, unsigned by, int width);
CONVERGENT Word shuffle_xor(unsigned mask, Word value, unsigned with, int width);
CONVERGENT unsigned match_any(unsigned mask, Word value);

/** A value of 4 or 8 bytes as a word and back. */
template <class T>
INLINED Word to_word(T value) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles take 32 and 64 bits");
  if constexpr (sizeof(T) == 4) return __builtin_bit_cast(unsigned, value);
  else return __builtin_bit_cast(Word, value);
}
template <class T>
INLINED T from_word(Word word) {
  if constexpr (sizeof(T) == 4) return __builtin_bit_cast(T, static_cast<unsigned>(word));
  else return __builtin_bit_cast(T, word);
}
}  // namespace emulated

template <class T>
INLINED T __shfl_sync(unsigned mask, T value, int lane, int width = 32) {
  return emulated::from_word<T>(emulated::shuffle_index(mask, emulated::to_word(value), static_cast<unsigned>(lane), width));
}
template <class T>
INLINED T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32) {
  return emulated::from_word<T>(emulated::shuffle_up(mask, emulated::to_word(value), by, width));
}
template <class T>
INLINED T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32) {
  return emulated::from_word<T>(emulated::shuffle_down(mask, emulated::to_word(value), by, width));
}
template <class T>
INLINED T __shfl_xor_sync(unsigned mask, T value, int with, int width = 32) {
  return emulated::from_word<T>(emulated::shuffle_xor(mask, emulated::to_word(value), static_cast<unsigned>(with), width));
}
template <class T>
INLINED unsigned __match_any_sync(unsigned mask, T value) {
  return emulated::match_any(mask, emulated::to_word(value));
}
#undef INLINED

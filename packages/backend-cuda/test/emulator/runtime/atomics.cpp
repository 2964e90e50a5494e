/** Atomic operations. Only one thread runs at a time, so they are plain; what is left is to check the access. */
#include <cstdint>

#include "../kernel/atomics.h"
#include "../kernel/synchronise.h"
#include "checks.h"

namespace {

template <class T, class Next>
T update(T* at, const void* site, const Next& next) {
  emulated::checks::atomic(at, sizeof(T), site);
  const T before = *at;
  *at = next(before);
  return before;
}

/** Integer sums wrap. */
template <class T>
T sum(T x, T y) {
  return static_cast<T>(static_cast<unsigned long long>(x) + static_cast<unsigned long long>(y));
}

}  // namespace

#define EMULATED_ATOMIC(Name, T, expression) \
  T Name(T* at, T value) {                   \
    return update(at, __builtin_return_address(0), [&](T before) -> T { return expression; }); \
  }
#define EMULATED_ATOMIC_OF(Name, expression) \
  EMULATED_ATOMIC(Name, int, expression)     \
  EMULATED_ATOMIC(Name, unsigned, expression)
#define EMULATED_ATOMIC_OF_ALL(Name, expression) \
  EMULATED_ATOMIC_OF(Name, expression)           \
  EMULATED_ATOMIC(Name, unsigned long long, expression)

EMULATED_ATOMIC_OF_ALL(atomicAdd, sum(before, value))
EMULATED_ATOMIC(atomicAdd, float, before + value)
EMULATED_ATOMIC(atomicAdd, double, before + value)
EMULATED_ATOMIC(atomicSub, int, sum(before, sum(~value, 1)))
EMULATED_ATOMIC(atomicSub, unsigned, before - value)
EMULATED_ATOMIC_OF_ALL(atomicMax, before > value ? before : value)
EMULATED_ATOMIC_OF_ALL(atomicMin, before < value ? before : value)
EMULATED_ATOMIC_OF_ALL(atomicAnd, before& value)
EMULATED_ATOMIC_OF_ALL(atomicOr, before | value)
EMULATED_ATOMIC_OF(atomicXor, before ^ value)
EMULATED_ATOMIC_OF_ALL(atomicExch, (static_cast<void>(before), value))
EMULATED_ATOMIC(atomicExch, float, (static_cast<void>(before), value))
EMULATED_ATOMIC(atomicInc, unsigned, before >= value ? 0 : before + 1)
EMULATED_ATOMIC(atomicDec, unsigned, before == 0 || before > value ? value : before - 1)

#define EMULATED_COMPARE_AND_SWAP(T)          \
  T atomicCAS(T* at, T expected, T value) {   \
    return update(at, __builtin_return_address(0), [&](T before) { return before == expected ? value : before; }); \
  }
EMULATED_COMPARE_AND_SWAP(int)
EMULATED_COMPARE_AND_SWAP(unsigned)
EMULATED_COMPARE_AND_SWAP(unsigned long long)

void __threadfence() { emulated::checks::fence(); }
/** Orders nothing between blocks, and barriers order the threads of one. */
void __threadfence_block() {}

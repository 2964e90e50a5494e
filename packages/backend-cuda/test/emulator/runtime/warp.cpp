/** Shuffles, votes, reductions and the barrier of a warp. */
#include "../kernel/synchronise.h"
#include "checks.h"
#include "collective.h"

namespace emulated {

namespace {

/** What a lane gets that asks for a lane which does not take part: nothing that anybody would want. */
constexpr Word UNDEFINED = ~Word{0};

struct Exchange {
  Word value;
  unsigned operand;
  int width;
  Word result;
};

template <class Function>
void for_each(void* const* payloads, uint32_t lanes, const Function& function) {
  for (uint32_t left = lanes; left != 0; left &= left - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(left));
    function(lane, *static_cast<Exchange*>(payloads[lane]));
  }
}

/** `source` gives the lane to read, or the own lane where that would leave the segment of `width`. */
template <class Source>
void shuffle(void* const* payloads, uint32_t lanes, const Source& source) {
  for_each(payloads, lanes, [&](unsigned lane, Exchange& own) {
    const unsigned width = static_cast<unsigned>(own.width);
    const unsigned from = source(lane, lane & ~(width - 1), width, own.operand);
    own.result = lanes >> from & 1 ? static_cast<Exchange*>(payloads[from])->value : UNDEFINED;
  });
}

void by_index(void* const* payloads, uint32_t lanes) {
  shuffle(payloads, lanes, [](unsigned, unsigned first, unsigned width, unsigned operand) {
    return first + (operand & (width - 1));
  });
}
void upwards(void* const* payloads, uint32_t lanes) {
  shuffle(payloads, lanes, [](unsigned lane, unsigned first, unsigned, unsigned operand) {
    return lane - first >= operand ? lane - operand : lane;
  });
}
void downwards(void* const* payloads, uint32_t lanes) {
  shuffle(payloads, lanes, [](unsigned lane, unsigned first, unsigned width, unsigned operand) {
    return operand < first + width - lane ? lane + operand : lane;
  });
}
void by_xor(void* const* payloads, uint32_t lanes) {
  shuffle(payloads, lanes, [](unsigned lane, unsigned first, unsigned width, unsigned operand) {
    const unsigned from = lane ^ operand;
    return from < first + width && from < LANES ? from : lane;
  });
}

void ballot(void* const* payloads, uint32_t lanes) {
  Word votes = 0;
  for_each(payloads, lanes, [&](unsigned lane, Exchange& own) { votes |= own.value << lane; });
  for_each(payloads, lanes, [&](unsigned, Exchange& own) { own.result = votes; });
}

void match(void* const* payloads, uint32_t lanes) {
  for_each(payloads, lanes, [&](unsigned, Exchange& own) {
    own.result = 0;
    for_each(payloads, lanes, [&](unsigned lane, Exchange& other) {
      if (other.value == own.value) own.result |= Word{1} << lane;
    });
  });
}

/** Reduces 32-bit values of type T. */
template <class T, class Combine>
void reduce(void* const* payloads, uint32_t lanes, const Combine& combine) {
  const unsigned first = static_cast<unsigned>(__builtin_ctz(lanes));
  T total = static_cast<T>(static_cast<Exchange*>(payloads[first])->value);
  for_each(payloads, lanes & (lanes - 1), [&](unsigned, Exchange& own) { total = combine(total, static_cast<T>(own.value)); });
  for_each(payloads, lanes, [&](unsigned, Exchange& own) { own.result = static_cast<unsigned>(total); });
}

void passed(void* const*, uint32_t) { checks::passed_warp_barrier(running->warp()); }

constexpr Collective SHUFFLE_INDEX{"__shfl_sync", false, true, by_index};
constexpr Collective SHUFFLE_UP{"__shfl_up_sync", false, true, upwards};
constexpr Collective SHUFFLE_DOWN{"__shfl_down_sync", false, true, downwards};
constexpr Collective SHUFFLE_XOR{"__shfl_xor_sync", false, true, by_xor};
constexpr Collective BALLOT{"__ballot_sync", false, false, ballot};
constexpr Collective ANY{"__any_sync", false, false, ballot};
constexpr Collective ALL{"__all_sync", false, false, ballot};
constexpr Collective MATCH{"__match_any_sync", false, false, match};
constexpr Collective BARRIER{"__syncwarp", false, false, passed};

Word exchange(const Collective& collective, uint32_t mask, Word value, unsigned operand, int width, const void* site) {
  if (width < 1 || width > 32 || (width & (width - 1)) != 0)
    fail(Failure::launch_failed, site, "%s with width %d, which is not 1, 2, 4, 8, 16 or 32", collective.name, width);
  Exchange own{value, operand, width, 0};
  together(collective, mask, &own, site);
  return own.result;
}

unsigned vote(const Collective& collective, uint32_t mask, Word value, const void* site) {
  return static_cast<unsigned>(exchange(collective, mask, value, 0, 32, site));
}

}  // namespace

Word shuffle_index(unsigned mask, Word value, unsigned lane, int width) {
  return exchange(SHUFFLE_INDEX, mask, value, lane, width, __builtin_return_address(0));
}
Word shuffle_up(unsigned mask, Word value, unsigned by, int width) {
  return exchange(SHUFFLE_UP, mask, value, by, width, __builtin_return_address(0));
}
Word shuffle_down(unsigned mask, Word value, unsigned by, int width) {
  return exchange(SHUFFLE_DOWN, mask, value, by, width, __builtin_return_address(0));
}
Word shuffle_xor(unsigned mask, Word value, unsigned with, int width) {
  return exchange(SHUFFLE_XOR, mask, value, with, width, __builtin_return_address(0));
}
unsigned match_any(unsigned mask, Word value) { return vote(MATCH, mask, value, __builtin_return_address(0)); }

}  // namespace emulated

using namespace emulated;

void __syncwarp(unsigned mask) { together(BARRIER, mask, nullptr, __builtin_return_address(0)); }
unsigned __ballot_sync(unsigned mask, int predicate) {
  return vote(BALLOT, mask, predicate != 0, __builtin_return_address(0));
}
int __any_sync(unsigned mask, int predicate) {
  return vote(ANY, mask, predicate != 0, __builtin_return_address(0)) != 0;
}
int __all_sync(unsigned mask, int predicate) {
  // The lanes that object: those that have ended do not count.
  return vote(ALL, mask, predicate == 0, __builtin_return_address(0)) == 0;
}

// A reduction: the operation, its name and the type it works in.
#define EMULATED_REDUCTION(name, Type, expression)                                            \
  Type __reduce_##name##_sync(unsigned mask, Type value) {                                    \
    static constexpr Collective REDUCTION{"__reduce_" #name "_sync", false, true, [](void* const* payloads, uint32_t lanes) { \
      reduce<Type>(payloads, lanes, [](Type x, Type y) { return static_cast<Type>(expression); }); \
    }};                                                                                       \
    return static_cast<Type>(vote(REDUCTION, mask, static_cast<unsigned>(value), __builtin_return_address(0))); \
  }
EMULATED_REDUCTION(add, unsigned, x + y)
EMULATED_REDUCTION(add, int, static_cast<unsigned>(x) + static_cast<unsigned>(y))
EMULATED_REDUCTION(max, unsigned, x > y ? x : y)
EMULATED_REDUCTION(max, int, x > y ? x : y)
EMULATED_REDUCTION(min, unsigned, x < y ? x : y)
EMULATED_REDUCTION(min, int, x < y ? x : y)
EMULATED_REDUCTION(and, unsigned, x& y)
EMULATED_REDUCTION(or, unsigned, x | y)
EMULATED_REDUCTION(xor, unsigned, x ^ y)

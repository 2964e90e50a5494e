#include "turns.h"

#include "options.h"

namespace emulated {

namespace {

unsigned lowest(uint32_t bits) { return static_cast<unsigned>(__builtin_ctz(bits)); }
unsigned highest(uint32_t bits) { return 31u - static_cast<unsigned>(__builtin_clz(bits)); }
unsigned any(uint32_t bits, uint64_t random) {
  for (unsigned skip = static_cast<unsigned>(random % static_cast<unsigned>(__builtin_popcount(bits))); skip > 0; skip--)
    bits &= bits - 1;
  return lowest(bits);
}

}  // namespace

unsigned ReadySet::take(unsigned warp) {
  const Order order = options().order;
  unsigned lane;
  if (order == Order::random) {
    const uint64_t random = random_bits();
    warp = any(warps, random >> 32);
    lane = any(lanes[warp], random & 0xffffffffu);
  } else if (order == Order::forwards) {
    if (!(warps >> warp & 1)) warp = lowest(warps);
    lane = lowest(lanes[warp]);
  } else {
    if (!(warps >> warp & 1)) warp = highest(warps);
    lane = highest(lanes[warp]);
  }
  lanes[warp] &= ~(1u << lane);
  if (lanes[warp] == 0) warps &= ~(1u << warp);
  return warp * 32 + lane;
}

}  // namespace emulated

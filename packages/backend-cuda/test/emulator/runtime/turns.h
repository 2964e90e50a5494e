/** Which threads of the running block can go on, and which of them is next. */
#pragma once
#include <cstdint>

namespace emulated {

/** A set of up to 1024 threads, in warps of 32. */
struct ReadySet {
  uint32_t warps = 0;
  uint32_t lanes[32] = {};

  void add(unsigned warp, uint32_t which) {
    if (which == 0) return;
    lanes[warp] |= which;
    warps |= 1u << warp;
  }
  bool empty() const { return warps == 0; }
  /** Takes out the thread that the order of options() puts next; it stays in `warp` where it can. Not for an empty set. */
  unsigned take(unsigned warp);
};

}  // namespace emulated

/** What lanes of a warp do together. */
#pragma once
#include "block.h"

namespace emulated {

/** One kind of it; told apart by address. */
struct Collective {
  const char* name;
  /** Every lane of the warp must do it, at one place in the code. */
  bool aligned;
  /** A lane of the mask that has ended is a mistake. */
  bool needs_all;
  /** Called once, by the last lane to come. `payloads` are what the lanes in `lanes` handed in, by lane. */
  void (*complete)(void* const* payloads, uint32_t lanes);
};

/** Waits until all lanes of the mask that have not ended do the same. */
void together(const Collective& collective, uint32_t mask, void* payload, const void* site);
/** Lets those lanes go on who waited for a thread that has ended. */
void release_warp_without(const Thread& thread);

}  // namespace emulated

#include "collective.h"

namespace emulated {

namespace {

/** All have come: computes, and makes all ready but the running lane, if it is one of them. */
void complete(Warp& warp, size_t which, unsigned number_of_warp, const void* site) {
  const Group group = warp.groups[which];
  warp.groups.erase(warp.groups.begin() + static_cast<ptrdiff_t>(which));
  const uint32_t missing = group.mask & warp.absent;
  if (missing != 0 && group.collective->needs_all) {
    fail(Failure::launch_failed, site, "%s with mask %08x names lane %d, which has ended or does not exist",
         group.collective->name, group.mask, __builtin_ctz(missing));
  }
  void* payloads[LANES];
  for (uint32_t left = group.arrived; left != 0; left &= left - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(left));
    payloads[lane] = block.all[number_of_warp * LANES + lane].payload;
  }
  group.collective->complete(payloads, group.arrived);
  uint32_t others = group.arrived;
  if (running->warp() == number_of_warp) others &= ~(1u << running->lane());
  block.ready.add(number_of_warp, others);
}

}  // namespace

void together(const Collective& collective, uint32_t mask, void* payload, const void* site) {
  Thread& self = *running;
  Warp& warp = block.warps[self.warp()];
  const uint32_t own = 1u << self.lane();
  if (!(mask & own)) {
    fail(Failure::launch_failed, site, "%s with mask %08x, which does not name the calling lane %u", collective.name,
         mask, self.lane());
  }
  self.payload = payload;
  size_t which = 0;
  while (which < warp.groups.size() &&
         (warp.groups[which].collective != &collective || warp.groups[which].mask != mask))
    which++;
  if (which == warp.groups.size()) warp.groups.push_back({&collective, mask, 0, site});
  Group& group = warp.groups[which];
  if (collective.aligned && group.site != site) {
    fail(Failure::launch_failed, site, "%s must be reached by the whole warp at one place in the code",
         collective.name);
  }
  group.arrived |= own;
  if (group.arrived == (mask & ~warp.absent)) complete(warp, which, self.warp(), site);
  else wait(collective.name, site);
}

void release_warp_without(const Thread& thread) {
  Warp& warp = block.warps[thread.warp()];
  for (size_t i = 0; i < warp.groups.size();) {
    const Group& group = warp.groups[i];
    if (group.arrived == (group.mask & ~warp.absent)) complete(warp, i, thread.warp(), group.site);
    else i++;
  }
}

}  // namespace emulated

#include "barrier.h"

#include "../kernel/synchronise.h"
#include "checks.h"
#include "copies.h"

namespace emulated {

namespace {

enum class Kind { plain, count, all, any };
constexpr const char* NAMES[] = {"__syncthreads", "__syncthreads_count", "__syncthreads_and", "__syncthreads_or"};

unsigned arrived = 0;
unsigned true_predicates = 0;
Kind kind;
const void* site_of_first;
/** What the last barrier counted: nobody reaches the next one's end before all have read it. */
unsigned counted = 0;
unsigned counted_of = 0;

void complete(const Thread* but) {
  for (unsigned first = 0; first < block.threads; first += LANES) {
    uint32_t lanes = ~block.warps[first / LANES].absent;
    if (but && but->warp() == first / LANES) lanes &= ~(1u << but->lane());
    block.ready.add(first / LANES, lanes);
  }
  counted = true_predicates;
  counted_of = arrived;
  reset_barrier();
  checks::passed_barrier();
}

void arrive(Kind own, bool predicate, const void* site) {
  if (arrived == 0) {
    kind = own;
    site_of_first = site;
  }
  const char* name = NAMES[static_cast<int>(own)];
  if (kind != own) {
    fail(Failure::launch_failed, site, "%s while other threads of the block wait at %s", name,
         NAMES[static_cast<int>(kind)]);
  }
  if (site_of_first != site) {
    fail(Failure::launch_failed, site, "%s while other threads of the block wait at another one: all must reach the same",
         name);
  }
  arrived++;
  true_predicates += predicate;
  if (arrived == block.alive) complete(running);
  else wait(name, site);
}

}  // namespace

void reset_barrier() {
  arrived = 0;
  true_predicates = 0;
}

void release_barrier_without(const Thread&) {
  if (arrived > 0 && arrived == block.alive) complete(nullptr);
}

}  // namespace emulated

using namespace emulated;

void __syncthreads() { arrive(Kind::plain, false, __builtin_return_address(0)); }
int __syncthreads_count(int predicate) {
  arrive(Kind::count, predicate != 0, __builtin_return_address(0));
  return static_cast<int>(counted);
}
int __syncthreads_and(int predicate) {
  arrive(Kind::all, predicate != 0, __builtin_return_address(0));
  return counted == counted_of;
}
int __syncthreads_or(int predicate) {
  arrive(Kind::any, predicate != 0, __builtin_return_address(0));
  return counted != 0;
}

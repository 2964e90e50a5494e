#include "checks.h"

#include "block.h"
#include "memory.h"
#include "options.h"
#include "races.h"

namespace emulated::checks {

namespace {

enum class Kind { read, write, atomic };
constexpr const char* VERBS[] = {"reads", "writes", "updates"};

/** Whether the bytes are in a part of shared memory, and how far from its beginning. */
bool is_within(uintptr_t address, size_t bytes, const SharedVariables& part, size_t& offset) {
  offset = address - reinterpret_cast<uintptr_t>(part.begin);
  return offset < part.bytes && bytes <= part.bytes - offset;
}

/** Memory of the program itself: read for constants and arguments, written only by the thread's own variables. */
bool is_private(uintptr_t address, size_t bytes, Kind kind) {
  if (running->fiber->holds(reinterpret_cast<void*>(address))) return true;
  if (kind != Kind::read) return false;
  const auto arguments = reinterpret_cast<uintptr_t>(block.launch.arguments);
  if (address >= arguments && address - arguments + bytes <= block.launch.kernel->argument_bytes) return true;
  return is_in_library(address);
}

/** Blocks run one after the other: a thread that waits for memory to change waits for ever. */
void require_progress(const void* site) {
  constexpr unsigned MOST_IN_A_TURN = 4'000'000;
  static const Thread* last = nullptr;
  static unsigned count = 0;
  if (last != running) {
    last = running;
    count = 0;
  }
  if (++count > MOST_IN_A_TURN) {
    fail(Failure::launch_failed, site,
         "%u atomic operations without waiting for other threads: it seems to wait for another block or lane, which "
         "cannot run meanwhile",
         count);
  }
}

[[noreturn]] void fail_outside(const void* at, size_t bytes, Kind kind, const void* site) {
  if (running->fiber->overflowed_at(at)) fail_for_stack(site);
  fail(Failure::illegal_address, site,
       "%s %zu bytes at %p, which is neither memory of the device nor shared memory of this block (%zu bytes of "
       "__shared__ variables in its file, %zu dynamic) nor the thread's own",
       VERBS[static_cast<int>(kind)], bytes, at, block.variables.bytes, block.dynamic.bytes);
}

inline __attribute__((always_inline)) void check(const void* at, size_t bytes, Kind kind, const void* site) {
  if (!running || !watching) return;
  const auto address = reinterpret_cast<uintptr_t>(at);
  Place place;
  size_t offset;
  if (in_device_range(address)) {
    if (!is_allocated(address, bytes)) {
      fail(Failure::illegal_address, site, "%s %zu bytes outside of all allocations, at %s",
           VERBS[static_cast<int>(kind)], bytes, describe_address(address));
    }
    place = Place::device;
    offset = address - detail::range;
  } else if (is_within(address, bytes, block.dynamic, offset)) {
    place = Place::dynamic;
  } else if (is_within(address, bytes, block.variables, offset)) {
    place = Place::variables;
  } else {
    if (is_private(address, bytes, kind)) return;
    fail_outside(at, bytes, kind, site);
  }
  if (!INSTRUMENTED) return;
  if (kind == Kind::read) races::read(place, offset, bytes, site);
  else races::write(place, offset, bytes, kind == Kind::atomic, site);
}

}  // namespace

void begin_launch() { races::begin_launch(); }
void begin_block() { races::begin_block(); }
void end_block() { races::settle(); }
void passed_barrier() { races::passed_barrier(); }
void passed_warp_barrier(unsigned warp) { races::passed_warp_barrier(warp); }
void fence() { races::fence(); }

void read(const void* at, size_t bytes, const void* site) { check(at, bytes, Kind::read, site); }
void write(void* at, size_t bytes, const void* site) { check(at, bytes, Kind::write, site); }
void atomic(void* at, size_t bytes, const void* site) {
  require_progress(site);
  if (reinterpret_cast<uintptr_t>(at) % bytes != 0)
    fail(Failure::misaligned_address, site, "updates %zu bytes at %p, which is not a multiple of %zu", bytes, at, bytes);
  check(at, bytes, Kind::atomic, site);
}

void require_shared(const void* at, size_t bytes, const void* site) {
  size_t offset;
  const auto address = reinterpret_cast<uintptr_t>(at);
  if (is_within(address, bytes, block.dynamic, offset) || is_within(address, bytes, block.variables, offset)) return;
  fail(Failure::illegal_address, site, "%p must be shared memory of the block", at);
}

}  // namespace emulated::checks

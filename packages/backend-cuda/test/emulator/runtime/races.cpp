#include "races.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "block.h"
#include "memory.h"
#include "shadow.h"
#include "shared.h"

extern "C" {
// The linker puts them at the library's first byte and behind its last.
extern const char __ehdr_start __attribute__((visibility("hidden")));
extern const char _end __attribute__((visibility("hidden")));
}

namespace emulated {

bool is_in_library(uintptr_t address) {
  return address >= reinterpret_cast<uintptr_t>(&__ehdr_start) && address < reinterpret_cast<uintptr_t>(&_end);
}

namespace races {

namespace {

constexpr uint16_t THREAD = 0x3ff;
constexpr uint16_t ATOMIC = 0x8000;
/** Reads: several lanes of one warp; several warps; another block of this launch before. */
constexpr uint16_t LANES_OF_WARP = 0x4000;
constexpr uint16_t WARPS_OF_BLOCK = 0x2000;
constexpr uint16_t OTHER_BLOCK = 0x1000;

/** Counts barriers, blocks and launches, so that what is old needs not be erased. */
uint32_t now = 1;
uint32_t launch_began = 1;
uint32_t block_began = 1;
uint16_t warp_barriers[MOST_THREADS / LANES];

/** When blocks of this launch began, and when each last had a fence that an atomic operation followed; 0: never. */
struct Published {
  uint32_t began;
  uint32_t fenced;
  uint32_t until;
};
std::vector<Published> published;
/** Whether the running block has taken up, by an atomic operation, what others published. */
bool has_taken_up;

/** A write at bytes that another thread has written: harmless where it changes nothing. */
struct {
  size_t bytes = 0;
  uintptr_t address;
  unsigned char before[64];
  unsigned thread;
  unsigned other;
  const void* site;
} undecided;

/** By place; made at the first launch. */
std::unique_ptr<Shadow> shadows[3];

Shadow& shadow_of(Place place) { return *shadows[static_cast<int>(place)]; }

const char* name_of(Place place) { return place == Place::device ? "memory" : "shared memory"; }

std::string show(unsigned number) {
  const Dimensions at = block.all[number].index;
  return "thread (" + std::to_string(at.x) + ", " + std::to_string(at.y) + ", " + std::to_string(at.z) + ")";
}

/** Whether another block of this launch published what it did at `when`, and this one has taken it up. */
bool is_published(uint32_t when) {
  if (!has_taken_up) return false;
  const auto after = std::upper_bound(published.begin(), published.end(), when,
                                      [](uint32_t value, const Published& one) { return value < one.began; });
  return after != published.begin() && std::prev(after)->until >= when;
}

/** Whether an access of another thread of this block is ordered before what the running thread does now. */
bool is_ordered(const Access& earlier) {
  if (earlier.when < now) return true;
  const unsigned warp = running->warp();
  return (earlier.who & THREAD) / LANES == warp && earlier.warp_barriers != warp_barriers[warp];
}

[[noreturn]] void race(const char* verb, const char* verb_of_other, Place place, const Access& other, size_t bytes,
                       const void* site) {
  if (other.when < block_began || other.who & OTHER_BLOCK) {
    fail(Failure::launch_failed, site, "race: %s %zu bytes of %s that another block of this launch %s", verb, bytes,
         name_of(place), verb_of_other);
  }
  const bool several = other.who & (LANES_OF_WARP | WARPS_OF_BLOCK);
  fail(Failure::launch_failed, site, "race: %s %zu bytes of %s that %s %s with no barrier in between", verb, bytes,
       name_of(place), several ? "other threads" : show(other.who & THREAD).c_str(), verb_of_other);
}

/** From when on accesses to a place count: shared memory begins anew with each block. */
uint32_t began(Place place) { return place == Place::device ? launch_began : block_began; }

/** Whether another thread's write comes before the running thread's access without an order. */
bool conflicts_with_write(Place place, const Access& written) {
  if (written.when < began(place)) return false;
  if (written.when < block_began) return !is_published(written.when);
  return (written.who & THREAD) != running->number && !is_ordered(written);
}

/** Whether reads by others come before the running thread's write without an order. */
bool conflicts_with_reads(Place place, const Access& reads) {
  if (reads.when < began(place)) return false;
  if (reads.who & OTHER_BLOCK || reads.when < block_began) return !is_published(reads.when);
  if (reads.when < now) return false;
  if (reads.who & WARPS_OF_BLOCK) return true;
  if (reads.who & LANES_OF_WARP) return !is_ordered(reads);
  return (reads.who & THREAD) != running->number && !is_ordered(reads);
}

void note_read(Place place, Access& reads) {
  const auto self = static_cast<uint16_t>(running->number);
  const uint16_t passed = warp_barriers[running->warp()];
  if (reads.when != now) [[likely]] {
    const bool by_other = reads.when >= began(place) && (reads.when < block_began || reads.who & OTHER_BLOCK);
    reads = {now, static_cast<uint16_t>(self | (by_other ? OTHER_BLOCK : 0)), passed};
    return;
  }
  const uint16_t last = reads.who & THREAD;
  if (last / LANES != self / LANES) reads.who |= WARPS_OF_BLOCK;
  // What lanes of this warp read before its last barrier is ordered already, and forgotten.
  else if (reads.warp_barriers != passed && !(reads.who & WARPS_OF_BLOCK))
    reads = {now, static_cast<uint16_t>(self | (reads.who & OTHER_BLOCK)), passed};
  else if (last != self) reads.who |= LANES_OF_WARP;
}

uintptr_t address_of(Place place, size_t offset) {
  if (place == Place::device) return detail::range + offset;
  const SharedVariables& part = place == Place::dynamic ? block.dynamic : block.variables;
  return reinterpret_cast<uintptr_t>(part.begin) + offset;
}

/** Decides later, when the running thread has written. */
void postpone(uintptr_t address, size_t bytes, const Access& other, const void* site) {
  undecided.bytes = bytes;
  undecided.address = address;
  undecided.thread = running->number;
  undecided.other = other.who & THREAD;
  undecided.site = site;
  memcpy(undecided.before, reinterpret_cast<const void*>(address), bytes);
}

/** Whether the write that was postponed changed anything. */
__attribute__((noinline)) void decide() {
  const size_t bytes = undecided.bytes;
  undecided.bytes = 0;
  if (memcmp(reinterpret_cast<const void*>(undecided.address), undecided.before, bytes) == 0) return;
  fail(Failure::launch_failed, undecided.site,
       "race: %s writes another value to %zu bytes that %s wrote with no barrier in between", show(undecided.thread).c_str(),
       bytes, show(undecided.other).c_str());
}

}  // namespace

void forget(uintptr_t address, size_t bytes) {
  if (shadows[0]) shadow_of(Place::device).forget(address - detail::range, bytes);
}

void begin_launch() {
  if (INSTRUMENTED && !shadows[0]) {
    shadows[static_cast<int>(Place::device)] = std::make_unique<Shadow>(detail::RANGE_BYTES);
    shadows[static_cast<int>(Place::dynamic)] = std::make_unique<Shadow>(MOST_SHARED);
    shadows[static_cast<int>(Place::variables)] = std::make_unique<Shadow>(MOST_VARIABLES);
  }
  now++;
  launch_began = now;
  published.clear();
  undecided.bytes = 0;
}

void begin_block() {
  now++;
  block_began = now;
  has_taken_up = false;
  published.push_back({now, 0, 0});
}

void passed_barrier() {
  settle();
  now++;
}

void passed_warp_barrier(unsigned warp) {
  settle();
  warp_barriers[warp]++;
}

void fence() { published.back().fenced = now; }

void settle() {
  if (undecided.bytes != 0) decide();
}

void read(Place place, size_t offset, size_t bytes, const void* site) {
  settle();
  shadow_of(place).for_each(offset, bytes, [&](Cell& cell) INLINED {
    if (conflicts_with_write(place, cell.written)) race("reads", "wrote", place, cell.written, bytes, site);
    note_read(place, cell.read);
  });
}

void write(Place place, size_t offset, size_t bytes, bool atomic, const void* site) {
  settle();
  if (atomic) {
    has_taken_up = true;
    if (published.back().fenced != 0) published.back().until = published.back().fenced;
  }
  Shadow& shadow = shadow_of(place);
  shadow.for_each(offset, bytes, [&](const Cell& cell) INLINED {
    const char* verb = atomic ? "updates" : "writes";
    if (conflicts_with_reads(place, cell.read)) race(verb, "read", place, cell.read, bytes, site);
    const bool by_atomic = cell.written.who & ATOMIC;
    if (!conflicts_with_write(place, cell.written) || (atomic && by_atomic)) return;
    const bool other_block = cell.written.when < block_began;
    if (atomic || by_atomic || other_block || bytes > sizeof undecided.before)
      race(verb, "wrote", place, cell.written, bytes, site);
    postpone(address_of(place, offset), bytes, cell.written, site);
  });
  // What others read before is ordered before this, and this before what comes: their reads need not be known any more.
  const auto self = static_cast<uint16_t>(running->number | (atomic ? ATOMIC : 0));
  shadow.put(offset, bytes, {now, self, warp_barriers[running->warp()]});
}

}  // namespace races
}  // namespace emulated

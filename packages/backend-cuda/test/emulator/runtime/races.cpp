#include "races.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "block.h"
#include "memory.h"
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

/** The last access of one kind to a byte. */
struct Access {
  /** `now` when it happened; 0: never. */
  uint32_t when;
  /** The thread's number and flags. */
  uint16_t who;
  /** How many barriers the thread's warp had passed. */
  uint16_t warp_barriers;
};

constexpr uint16_t THREAD = 0x3ff;
constexpr uint16_t ATOMIC = 0x8000;
/** Reads: several lanes of one warp; several warps; another block of this launch before. */
constexpr uint16_t LANES_OF_WARP = 0x4000;
constexpr uint16_t WARPS_OF_BLOCK = 0x2000;
constexpr uint16_t OTHER_BLOCK = 0x1000;

struct Cell {
  Access written;
  Access read;
};

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

Cell* reserve(size_t cells) {
  void* memory = mmap(nullptr, cells * sizeof(Cell), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    perror("[emulator] cannot reserve addresses for the race detector");
    abort();
  }
  return static_cast<Cell*>(memory);
}

Cell* device_cells() {
  static Cell* const cells = reserve(detail::RANGE_BYTES);
  return cells;
}

Cell* cells_of(Place place, uintptr_t address) {
  static Cell* const dynamic = reserve(MOST_SHARED);
  static Cell* const variables = reserve(MOST_VARIABLES);
  if (place == Place::device) return device_cells() + (address - detail::range);
  const uintptr_t offset = address - reinterpret_cast<uintptr_t>(block.dynamic.begin);
  if (offset < block.dynamic.bytes) return dynamic + offset;
  return variables + (address - reinterpret_cast<uintptr_t>(block.variables.begin));
}

const char* name_of(Place place) { return place == Place::shared ? "shared memory" : "memory"; }

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
uint32_t began(Place place) { return place == Place::shared ? block_began : launch_began; }

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
  if (reads.when != now) {
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

/** Decides later, when the running thread has written. */
void postpone(uintptr_t address, size_t bytes, const Access& other, const void* site) {
  undecided.bytes = bytes;
  undecided.address = address;
  undecided.thread = running->number;
  undecided.other = other.who & THREAD;
  undecided.site = site;
  memcpy(undecided.before, reinterpret_cast<const void*>(address), bytes);
}

}  // namespace

void forget(uintptr_t address, size_t bytes) {
  if (INSTRUMENTED) madvise(device_cells() + (address - detail::range), bytes * sizeof(Cell), MADV_DONTNEED);
}

void begin_launch() {
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
  if (undecided.bytes == 0) return;
  const size_t bytes = undecided.bytes;
  undecided.bytes = 0;
  if (memcmp(reinterpret_cast<const void*>(undecided.address), undecided.before, bytes) == 0) return;
  fail(Failure::launch_failed, undecided.site,
       "race: %s writes another value to %zu bytes that %s wrote with no barrier in between", show(undecided.thread).c_str(),
       bytes, show(undecided.other).c_str());
}

void read(Place place, uintptr_t address, size_t bytes, const void* site) {
  settle();
  Cell* cells = cells_of(place, address);
  for (size_t i = 0; i < bytes; i++) {
    if (conflicts_with_write(place, cells[i].written)) race("reads", "wrote", place, cells[i].written, bytes, site);
    note_read(place, cells[i].read);
  }
}

void write(Place place, uintptr_t address, size_t bytes, bool atomic, const void* site) {
  settle();
  if (atomic) {
    has_taken_up = true;
    if (published.back().fenced != 0) published.back().until = published.back().fenced;
  }
  const auto self = static_cast<uint16_t>(running->number | (atomic ? ATOMIC : 0));
  Cell* cells = cells_of(place, address);
  const Access own{now, self, warp_barriers[running->warp()]};
  const char* verb = atomic ? "updates" : "writes";
  for (size_t i = 0; i < bytes; i++) {
    Cell& cell = cells[i];
    if (conflicts_with_reads(place, cell.read)) race(verb, "read", place, cell.read, bytes, site);
    if (conflicts_with_write(place, cell.written)) {
      const bool by_atomic = cell.written.who & ATOMIC;
      const bool other_block = cell.written.when < block_began;
      if (atomic != by_atomic || (!atomic && other_block) || bytes > sizeof undecided.before)
        race(verb, "wrote", place, cell.written, bytes, site);
      if (!atomic) postpone(address, bytes, cell.written, site);
    }
    cell.written = own;
  }
}

}  // namespace races
}  // namespace emulated

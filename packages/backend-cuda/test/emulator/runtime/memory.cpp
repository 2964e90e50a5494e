#include "memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "options.h"
#include "races.h"

namespace emulated {

namespace detail {
uintptr_t range = 0;
uint16_t* allocated_bytes = nullptr;
}  // namespace detail

namespace {

using detail::RANGE_BYTES;
using detail::UNIT;

struct Allocation {
  size_t bytes;
  MemoryKind kind;
};

/** By address. */
std::map<uintptr_t, Allocation> live;
size_t in_use = 0;
/** Where the next search begins: addresses are used again only after all of the range. */
size_t next_offset = UNIT;

void reserve_range() {
  if (detail::range != 0) return;
  constexpr int FLAGS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* range = mmap(nullptr, RANGE_BYTES, PROT_NONE, FLAGS, -1, 0);
  void* units = mmap(nullptr, RANGE_BYTES / UNIT * sizeof(uint16_t), PROT_READ | PROT_WRITE, FLAGS, -1, 0);
  if (range == MAP_FAILED || units == MAP_FAILED) {
    perror("[emulator] cannot reserve addresses for the device's memory");
    abort();
  }
  detail::range = reinterpret_cast<uintptr_t>(range);
  detail::allocated_bytes = static_cast<uint16_t*>(units);
}

size_t whole_units(size_t bytes) { return (bytes + UNIT - 1) / UNIT * UNIT; }

/** The offset of a free stretch with an untouchable unit behind it; 0 when there is none. */
size_t find_stretch(size_t bytes) {
  for (const size_t start : {next_offset, UNIT}) {
    size_t offset = start;
    // The first allocation that ends behind the offset.
    auto after = live.upper_bound(detail::range + offset);
    if (after != live.begin()) {
      const auto before = std::prev(after);
      offset = std::max(offset, before->first - detail::range + whole_units(before->second.bytes) + UNIT);
    }
    for (; offset + bytes + UNIT <= RANGE_BYTES; ++after) {
      if (after == live.end() || offset + bytes + UNIT <= after->first - detail::range) return offset;
      offset = after->first - detail::range + whole_units(after->second.bytes) + UNIT;
    }
  }
  return 0;
}

/**
 * Makes whole units touchable, with 0xff in every byte. They are private views of one file, so that large allocations
 * cost nothing until they are used.
 */
bool map_poisoned(uintptr_t address, size_t bytes) {
  constexpr size_t FILE_BYTES = 4 << 20;
  static const int file = [] {
    const int made = memfd_create("poison", MFD_CLOEXEC);
    void* view = MAP_FAILED;
    if (made >= 0 && ftruncate(made, FILE_BYTES) == 0)
      view = mmap(nullptr, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, made, 0);
    if (view == MAP_FAILED) {
      perror("[emulator] no memory");
      abort();
    }
    memset(view, 0xff, FILE_BYTES);
    munmap(view, FILE_BYTES);
    return made;
  }();
  for (size_t at = 0; at < bytes; at += FILE_BYTES) {
    void* start = reinterpret_cast<void*>(address + at);
    const size_t size = std::min(FILE_BYTES, bytes - at);
    if (mmap(start, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file, 0) == MAP_FAILED) return false;
  }
  return true;
}

void mark(size_t offset, size_t bytes, bool allocated) {
  for (size_t at = 0; at < bytes; at += UNIT)
    detail::allocated_bytes[(offset + at) / UNIT] = static_cast<uint16_t>(allocated ? std::min(UNIT, bytes - at) : 0);
}

void forget(std::map<uintptr_t, Allocation>::iterator which) {
  const auto [address, allocation] = *which;
  const size_t mapped = whole_units(allocation.bytes);
  mark(address - detail::range, allocation.bytes, false);
  constexpr int FLAGS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  mmap(reinterpret_cast<void*>(address), mapped, PROT_NONE, FLAGS, -1, 0);
  races::forget(address, mapped);
  if (allocation.kind == MemoryKind::device) in_use -= allocation.bytes;
  live.erase(which);
}

}  // namespace

uintptr_t allocate(size_t bytes, MemoryKind kind) {
  if (kind == MemoryKind::device && (bytes > options().memory || in_use > options().memory - bytes)) return 0;
  reserve_range();
  const size_t mapped = whole_units(bytes);
  const size_t offset = find_stretch(mapped);
  if (offset == 0) return 0;
  const uintptr_t address = detail::range + offset;
  if (!map_poisoned(address, mapped)) return 0;
  mark(offset, bytes, true);
  live[address] = {bytes, kind};
  if (kind == MemoryKind::device) in_use += bytes;
  next_offset = offset + mapped + UNIT;
  return address;
}

bool release(uintptr_t address, MemoryKind kind) {
  const auto found = live.find(address);
  if (found == live.end() || found->second.kind != kind) return false;
  forget(found);
  return true;
}

void release_everything() {
  while (!live.empty()) forget(live.begin());
}

size_t device_bytes_in_use() { return in_use; }

size_t allocation_count(MemoryKind kind) {
  return static_cast<size_t>(
      std::count_if(live.begin(), live.end(), [&](const auto& one) { return one.second.kind == kind; }));
}

const char* describe_address(uintptr_t address) {
  static char text[160];
  if (address < UNIT) {
    snprintf(text, sizeof text, "address %#zx: a null pointer or an offset from one", address);
    return text;
  }
  const auto after = live.upper_bound(address);
  if (!in_device_range(address) || (after == live.begin() && live.empty())) {
    snprintf(text, sizeof text, "address %#zx: not an address of the device", address);
    return text;
  }
  const auto near = after == live.begin() ? after : std::prev(after);
  const auto [start, allocation] = *near;
  if (address < start) {
    snprintf(text, sizeof text, "address %#zx: %zu bytes before the allocation of %zu bytes at %#zx", address,
             start - address, allocation.bytes, start);
  } else if (address - start >= allocation.bytes) {
    snprintf(text, sizeof text, "address %#zx: %zu bytes behind the end of the allocation of %zu bytes at %#zx (or freed)",
             address, address - start - allocation.bytes, allocation.bytes, start);
  } else {
    snprintf(text, sizeof text, "address %#zx: byte %zu of the allocation of %zu bytes at %#zx", address,
             address - start, allocation.bytes, start);
  }
  return text;
}

}  // namespace emulated

/**
 * The memory of the emulated device: one range of addresses, of which live allocations can be touched. Between two
 * allocations lies a page that faults; freed memory faults too, and its addresses are not used again for long.
 */
#pragma once
#include <cstddef>
#include <cstdint>

namespace emulated {

enum class MemoryKind : uint8_t { device, host };

/** 0 when there is no room; else a multiple of 256. The content is 0xff bytes. */
uintptr_t allocate(size_t bytes, MemoryKind kind);
/** False when this is not the start of a live allocation of the kind. */
bool release(uintptr_t address, MemoryKind kind);
/** Bytes of live device allocations. */
size_t device_bytes_in_use();
size_t allocation_count(MemoryKind kind);
void release_everything();

/** A sentence about an address for a message: which allocation it is near. */
const char* describe_address(uintptr_t address);

namespace detail {
constexpr size_t RANGE_BYTES = size_t{1} << 35;
constexpr size_t UNIT = 4096;
extern uintptr_t range;
/** For each unit of the range, how many of its bytes belong to an allocation. */
extern uint16_t* allocated_bytes;
}  // namespace detail

/** Whether the address belongs to the range of the device, allocated or not. */
inline bool in_device_range(uintptr_t address) { return address - detail::range < detail::RANGE_BYTES; }

/** Whether all of these bytes are in one live allocation. */
inline bool is_allocated(uintptr_t address, size_t bytes) {
  const uintptr_t offset = address - detail::range;
  if (offset >= detail::RANGE_BYTES) return false;
  const size_t in_unit = offset % detail::UNIT;
  const size_t unit = offset / detail::UNIT;
  if (in_unit + bytes <= detail::allocated_bytes[unit]) return true;
  if (in_unit + bytes <= detail::UNIT || detail::allocated_bytes[unit] != detail::UNIT) return false;
  return is_allocated(detail::range + (unit + 1) * detail::UNIT, bytes - (detail::UNIT - in_unit));
}

}  // namespace emulated

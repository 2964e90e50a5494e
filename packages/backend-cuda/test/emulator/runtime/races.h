/**
 * Remembers for each byte of device and shared memory who wrote and who read it last, and when: between which barriers of
 * the block, and of the warp. Barriers order memory; shuffles and votes do not. Between blocks only __threadfence with an
 * atomic operation after it orders.
 */
#pragma once
#include <cstddef>
#include <cstdint>

namespace emulated {

/** Whether plain loads and stores of the kernels come to checks.h (instrumentation.cpp). */
extern const bool INSTRUMENTED;

enum class Place { device, dynamic, variables };

/** Whether an address is in this library itself: constants. */
bool is_in_library(uintptr_t address);

namespace races {

void begin_launch();
void begin_block();
void passed_barrier();
void passed_warp_barrier(unsigned warp);
void fence();
/** `offset` counts from the beginning of the place. */
void read(Place place, size_t offset, size_t bytes, const void* site);
void write(Place place, size_t offset, size_t bytes, bool atomic, const void* site);
/** Gives back what was remembered about memory of the device that is freed; whole units. */
void forget(uintptr_t address, size_t bytes);
/** Decides about a write that would be a race unless it leaves the bytes as they were. */
void settle();

}  // namespace races
}  // namespace emulated

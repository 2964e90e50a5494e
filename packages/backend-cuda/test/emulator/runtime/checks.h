/**
 * Looks at every access of a kernel to memory. Matrix loads, background copies and atomics come here always; plain loads
 * and stores do where kernels were compiled with instrumentation (see build-emulator.mjs). Finds accesses outside of live
 * allocations, misaligned ones, and races: two threads at the same bytes, one of them writing, with no barrier between.
 */
#pragma once
#include <cstddef>
#include <cstdint>

namespace emulated::checks {

void begin_launch();
void begin_block();
/** Called by the thread that ends last. */
void end_block();
/** Everything before is ordered before everything after, within the block; within the warp. */
void passed_barrier();
void passed_warp_barrier(unsigned warp);
/** __threadfence. */
void fence();

void read(const void* at, size_t bytes, const void* site);
void write(void* at, size_t bytes, const void* site);
void atomic(void* at, size_t bytes, const void* site);
/** Fails unless these bytes are shared memory of the block. */
void require_shared(const void* at, size_t bytes, const void* site);

}  // namespace emulated::checks

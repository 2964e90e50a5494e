/** __syncthreads and its kin. */
#pragma once
#include "block.h"

namespace emulated {

/** Lets everybody go on when all but a thread that has ended have come. */
void release_barrier_without(const Thread& thread);
void reset_barrier();

}  // namespace emulated

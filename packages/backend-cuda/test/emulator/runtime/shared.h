/** Shared memory of a block: the variables of its module and the dynamic part. */
#pragma once
#include "registry.h"

namespace emulated {

/** What a GPU of compute capability 9.0 lets a block ask for. */
constexpr unsigned MOST_SHARED = 232448;
/** Room that all __shared__ variables of one file may take together; each kernel uses some of them. */
constexpr unsigned MOST_VARIABLES = 4 << 20;

/** Dynamic shared memory of a size, a multiple of 128; what lies behind it faults. */
SharedVariables dynamic_variables(unsigned bytes);
/** Fills the shared memory of `block` with NaN patterns. */
void poison_shared();

}  // namespace emulated

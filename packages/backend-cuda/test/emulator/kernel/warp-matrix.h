/** Matrix products, matrix loads and background copies that emulated-tensor-core.h is made of. */
#pragma once
#include "launch.h"

namespace emulated {

/** d [16, 8] += a [16, 16] · b [16, 8] for a whole warp, fragments as in the PTX manual, "mma.m16n8k16". */
CONVERGENT void multiply_bf16(float* d, const unsigned* a, const unsigned* b);
/** Four 8 x 8 matrices of 16-bit elements from shared memory, each transposed when asked. */
CONVERGENT void load_matrices(unsigned* to, const void* row, bool transposed);
/** 16 bytes to shared memory; they arrive at some time up to the wait. */
void copy_async(void* to, const void* from, bool valid);
void commit_copies();
void wait_for_copies(int groups);

}  // namespace emulated

/** Work that is shared out among blocks and put together by the one that comes last. */
#pragma once
#include "device.cuh"

/**
 * Whether this block is the last of `blocks` to come here with this counter, which is 0 before and after. It then sees what
 * the others wrote. All threads must call.
 */
DEVICE bool is_last_block(u32* counter, u32 blocks) {
  __shared__ u32 before;
  __syncthreads();
  // One thread's fences hold for what the block's others wrote before the barrier, and read after the next one.
  if (threadIdx.x == 0) {
    __threadfence();
    before = atomicInc(counter, blocks - 1);
    __threadfence();
  }
  __syncthreads();
  return before == blocks - 1;
}

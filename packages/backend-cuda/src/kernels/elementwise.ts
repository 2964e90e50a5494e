/** How many blocks the loops of elementwise.cuh get. No result depends on it. */
import { DTYPES, sizeOf, type View } from '@qsparse/core';
import type { Grid, LaunchContext } from '../launch.ts';

/** 256 threads with two accesses of 16 bytes each. */
const BYTES_PER_BLOCK = 256 * 2 * 16;
/** Several times what runs at once, so that the last blocks are few among many. */
const BLOCKS_PER_MULTIPROCESSOR = 64;

/** For a loop over `bytes` bytes of the widest tensor. */
export function gridOverBytes(context: LaunchContext, bytes: number): Grid {
  const most = BLOCKS_PER_MULTIPROCESSOR * context.multiprocessors;
  return [Math.max(1, Math.min(Math.ceil(bytes / BYTES_PER_BLOCK), most))];
}

/** For a loop over the elements of these tensors, side by side. */
export function gridOver(context: LaunchContext, ...views: readonly View[]): Grid {
  return gridOverBytes(
    context,
    Math.max(...views.map(({ dtype, shape }) => (sizeOf(shape) * DTYPES[dtype].bits) / 8)),
  );
}

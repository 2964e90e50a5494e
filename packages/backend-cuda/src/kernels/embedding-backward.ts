import { embeddingBackwardOp, sizeOf } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel, type LaunchContext } from '../launch.ts';

/** The same as in embedding-backward.cu. */
const SORTED_PER_BLOCK = 2048;
const PIECE = 32;
const WIDE = 8;
const THREADS = 128;
/** The same as in digits.cuh. */
const DIGIT_BITS = 8;

export const embeddingBackward: CudaKernel = cudaKernel(
  embeddingBackwardOp,
  ({ dy, ids, into }, _outs, _attrs, context) => {
    const [length, width] = into.shape as [number, number];
    const rows = sizeOf(ids.shape);
    const order = sortById(context, at(ids), rows, length);
    const pieces = Math.ceil(rows / PIECE);
    const open = context.temporary(pieces * 2 * width * 4);
    const wide = width % WIDE === 0 && at(dy) % 16 === 0 && at(into) % 16 === 0;
    const columns = wide ? width / WIDE : width;
    // No more threads than columns, in whole warps.
    const threads = Math.min(THREADS, Math.ceil(columns / 32) * 32);
    const columnBlocks = Math.ceil(columns / threads);
    const args = { dy: at(dy), ids: at(ids), order, into: at(into), open, rows, length, width };
    const to = into.dtype as 'f32' | 'bf16';
    const dtypes = dy.dtype === to ? to : 'bf16_f32';
    const sum = wide
      ? (`embedding_backward_sum_wide_${dtypes}` as const)
      : (`embedding_backward_sum_${dtypes}` as const);
    context.launch(sum, args, [pieces, columnBlocks], { threads });
    if (pieces === 1) return;
    const join = wide
      ? (`embedding_backward_join_wide_${to}` as const)
      : (`embedding_backward_join_${to}` as const);
    context.launch(join, args, [pieces - 1, columnBlocks], { threads });
  },
);

/** Row numbers sorted by id, rows of one id in their order. Returns their address. */
function sortById(context: LaunchContext, ids: number, rows: number, length: number): number {
  const blocks = Math.ceil(rows / SORTED_PER_BLOCK);
  const counts = context.temporary(2 ** DIGIT_BITS * blocks * 4);
  // Ids outside of the table count as `length`.
  const digits = Math.ceil(Math.log2(length + 1) / DIGIT_BITS);
  let from = 0;
  for (let digit = 0; digit < digits; digit++) {
    const to = context.temporary(rows * 4);
    const args = { ids, from, to, counts, rows, length, shift: digit * DIGIT_BITS };
    context.launch('embedding_backward_count', args, [blocks]);
    context.launch('embedding_backward_places', { counts, length: 2 ** DIGIT_BITS * blocks }, [1]);
    context.launch('embedding_backward_scatter', args, [blocks]);
    from = to;
  }
  return from;
}

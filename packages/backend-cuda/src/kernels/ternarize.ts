import { sizeOf } from '@qsparse/core';
import { ternarizeOp } from '@qsparse/quantizers';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';

/** Sections of one pair of launches; more take another pair. */
const AT_ONCE = 16;
/** Elements that a block sums: 64 a thread. The parts depend on the sizes alone, and so does the order of the sums. */
const ELEMENTS_OF_A_PART = 16_384;
const MOST_PARTS = 1024;
/** Elements that a block rounds at least: two vectors a thread. */
const ELEMENTS_OF_A_BLOCK = 2048;

const KERNELS = {
  f32: { sums: 'ternarize_sums_f32', f32: 'ternarize_f32_to_f32', bf16: 'ternarize_f32_to_bf16' },
  bf16: { sums: 'ternarize_sums_bf16', f32: undefined, bf16: 'ternarize_bf16_to_bf16' },
} as const;

export const ternarize: CudaKernel = cudaKernel(
  ternarizeOp,
  ({ w }, { y, alpha }, { sections, dtype }, context) => {
    const rows = w.shape[0] ?? 1;
    const columns = sizeOf(w.shape) / rows;
    const counts = sections.length === 0 ? [rows] : sections;
    const kernels = KERNELS[w.dtype as 'f32' | 'bf16'];
    const blocks = 8 * context.multiprocessors;
    let start = 0;
    for (let first = 0; first < counts.length; first += AT_ONCE) {
      const here = counts.slice(first, first + AT_ONCE);
      const largest = Math.max(...here) * columns;
      const parts = Math.min(Math.ceil(largest / ELEMENTS_OF_A_PART), MOST_PARTS);
      const args = {
        ...{ w: at(w), y: at(y), alpha: at(alpha) + 4 * first },
        ...{ partial: context.temporary(8 * parts * here.length), columns, parts, start },
        ...ends(start, here),
      };
      context.launch(kernels.sums, args, [parts, here.length]);
      const most = Math.max(1, Math.ceil(blocks / here.length));
      const grid = Math.min(Math.ceil(largest / ELEMENTS_OF_A_BLOCK), most);
      // `infer` lets no bf16 become f32.
      context.launch(kernels[dtype]!, args, [grid, here.length]);
      start += here.reduce((sum, count) => sum + count, 0);
    }
  },
);

/** The row that each section ends before; those that are not there end at the last one. */
function ends(start: number, counts: readonly number[]) {
  const end = (i: number) => counts.slice(0, i + 1).reduce((sum, count) => sum + count, start);
  return {
    ...{ end0: end(0), end1: end(1), end2: end(2), end3: end(3), end4: end(4), end5: end(5) },
    ...{ end6: end(6), end7: end(7), end8: end(8), end9: end(9), end10: end(10), end11: end(11) },
    ...{ end12: end(12), end13: end(13), end14: end(14), end15: end(15) },
  };
}

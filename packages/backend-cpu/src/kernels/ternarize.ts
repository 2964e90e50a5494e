import { sizeOf } from '@qsparse/core';
import { ternarizeOp } from '@qsparse/quantizers';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

const FLOAT_BYTES = 4;

/** One launch a section: each is a matrix of its own. */
export const ternarize: CpuKernel = cpuKernel(ternarizeOp, ({ w }, { y, alpha }, { sections }) => {
  const rows = w.shape[0] ?? 1;
  const rowSize = sizeOf(w.shape) / rows;
  let first = 0;
  return (sections.length === 0 ? [rows] : sections).map((height, i) => {
    const offset = first * rowSize * FLOAT_BYTES;
    first += height;
    const count = height * rowSize;
    const args = { w: at(w) + offset, y: at(y) + offset, alpha: at(alpha) + i * FLOAT_BYTES, count };
    return call('ternarize', args, 4 * count);
  });
});

import { asRows } from '@qsparse/core';
import { selectOp } from '@qsparse/quantizers';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** Elementary operations per element, with the search for the cut. */
const WORK = 16;

export const select: CpuKernel = cpuKernel(selectOp, ({ x }, { mask }, { k, block }) => {
  const { rows, width } = asRows(x.shape);
  return [call('select', { x: at(x), mask: at(mask), rows, width, keep: k, block }, WORK * rows * width)];
});

import { asRows } from '@qsparse/core';
import { quantizeInt8Op } from '@qsparse/quantizers';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const quantizeInt8: CpuKernel = cpuKernel(quantizeInt8Op, ({ x }, { y }) => {
  const { rows, width } = asRows(x.shape);
  return [call('quantize_int8', { x: at(x), y: at(y), rows, width }, 6 * rows * width)];
});

import { argmaxOp, asRows } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const argmax: CpuKernel = cpuKernel(argmaxOp, ({ x }, { y }) => {
  const { rows, width } = asRows(x.shape);
  return [call('argmax', { x: at(x), y: at(y), rows, n: width }, rows * width)];
});

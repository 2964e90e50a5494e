import { fillOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const fill: CpuKernel = cpuKernel(fillOp, ({ into }, _outs, { value }) => {
  const count = sizeOf(into.shape);
  return [call('fill', { out: at(into), count, value }, count)];
});

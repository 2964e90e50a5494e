import { accumulateOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const accumulate: CpuKernel = cpuKernel(accumulateOp, ({ into, x }) => {
  const count = sizeOf(x.shape);
  return [call('accumulate', { into: at(into), x: at(x), count }, count)];
});

import { scaleOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const scale: CpuKernel = cpuKernel(scaleOp, ({ x }, { y }, { factor }) => {
  const count = sizeOf(x.shape);
  return [call('scale', { x: at(x), y: at(y), count, factor }, count)];
});

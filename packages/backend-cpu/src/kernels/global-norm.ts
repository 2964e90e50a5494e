import { globalNormOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const globalNorm: CpuKernel = cpuKernel(globalNormOp, ({ x }, { norm }) => {
  const count = sizeOf(x.shape);
  return [call('global_norm', { x: at(x), norm: at(norm), count }, 2 * count)];
});

import { sizeOf } from '@qsparse/core';
import { ternarizeOp } from '@qsparse/quantizers';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const ternarize: CpuKernel = cpuKernel(ternarizeOp, ({ w }, { y, alpha }) => {
  const count = sizeOf(w.shape);
  return [call('ternarize', { w: at(w), y: at(y), alpha: at(alpha), count }, 4 * count)];
});

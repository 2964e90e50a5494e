import { byteLength, copyOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const copy: CpuKernel = cpuKernel(copyOp, ({ into, x }) => {
  const bytes = byteLength(x.dtype, sizeOf(x.shape));
  const words = Math.floor(bytes / 4);
  return [call('copy', { into: at(into), x: at(x), words, tailBytes: bytes % 4 }, words)];
});

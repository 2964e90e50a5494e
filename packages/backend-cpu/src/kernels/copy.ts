import { byteLength, copyOp, sizeOf, type View } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel, type Launch } from '../launch.ts';

/** Into a view of the same dtype and size. */
export function copyLaunch(into: View, x: View): Launch {
  const bytes = byteLength(x.dtype, sizeOf(x.shape));
  const words = Math.floor(bytes / 4);
  return call('copy', { into: at(into), x: at(x), words, tailBytes: bytes % 4 }, words);
}

export const copy: CpuKernel = cpuKernel(copyOp, ({ into, x }) => [copyLaunch(into, x)]);

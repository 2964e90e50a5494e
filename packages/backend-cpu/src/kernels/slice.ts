import { DTYPES, sizeOf, sliceOp } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const slice: CpuKernel = cpuKernel(sliceOp, ({ x }, { y }, { axis, start, length }) => {
  const blocks = sizeOf(x.shape.slice(0, axis));
  const step = (sizeOf(x.shape.slice(axis + 1)) * DTYPES[x.dtype].bits) / 8;
  const args = {
    x: at(x) + start * step,
    y: at(y),
    blocks,
    bytes: length * step,
    xStride: x.shape[axis]! * step,
  };
  return [call('slice', args, (blocks * length * step) / 4 + blocks)];
});

import { copySectionOp, DTYPES, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const copySection: CpuKernel = cpuKernel(copySectionOp, ({ into, x }, _outs, { axis, start }) => {
  const blocks = sizeOf(into.shape.slice(0, axis));
  const step = (sizeOf(into.shape.slice(axis + 1)) * DTYPES[into.dtype].bits) / 8;
  const bytes = x.shape[axis]! * step;
  const args = {
    into: at(into) + start * step,
    x: at(x),
    blocks,
    bytes,
    intoStride: into.shape[axis]! * step,
  };
  return [call('copy_section', args, (blocks * bytes) / 4 + blocks)];
});

import { copySectionOp, sizeOf } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { copyRuns, elementBytes } from './movement.ts';

export const copySection: WebGpuKernel = webGpuKernel(
  copySectionOp,
  ({ into, x }, _outs, { axis, start }, context) => {
    const before = sizeOf(into.shape.slice(0, axis));
    const step = sizeOf(into.shape.slice(axis + 1)) * elementBytes(into);
    const length = x.shape[axis]! * step;
    copyRuns(context, {
      x: { view: x, offset: x.offset, stride: length },
      y: { view: into, offset: into.offset + start * step, stride: into.shape[axis]! * step },
      ...{ runs: before, length },
    });
  },
);

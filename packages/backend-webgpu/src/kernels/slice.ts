import { sizeOf, sliceOp } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { copyRuns, elementBytes } from './movement.ts';

export const slice: WebGpuKernel = webGpuKernel(sliceOp, ({ x }, { y }, { axis, start, length }, context) => {
  const before = sizeOf(x.shape.slice(0, axis));
  const step = sizeOf(x.shape.slice(axis + 1)) * elementBytes(x);
  copyRuns(context, {
    x: { view: x, offset: x.offset + start * step, stride: x.shape[axis]! * step },
    y: { view: y, offset: y.offset, stride: length * step },
    ...{ runs: before, length: length * step },
  });
});

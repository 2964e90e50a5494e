import { byteLength, copyOp, sizeOf } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { copyRuns } from './movement.ts';

export const copy: WebGpuKernel = webGpuKernel(copyOp, ({ into, x }, _outs, _attrs, context) => {
  const length = byteLength(x.dtype, sizeOf(x.shape));
  copyRuns(context, {
    ...{
      x: { view: x, offset: x.offset, stride: length },
      y: { view: into, offset: into.offset, stride: length },
    },
    ...{ runs: 1, length },
  });
});

import { DTYPES, sizeOf, sliceOp } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';
import { widestUnit } from './units.ts';

export const slice: CudaKernel = cudaKernel(sliceOp, ({ x }, { y }, { axis, start, length }, context) => {
  const runs = sizeOf(x.shape.slice(0, axis));
  const step = (sizeOf(x.shape.slice(axis + 1)) * DTYPES[x.dtype].bits) / 8;
  const from = at(x) + start * step;
  const [run, stride] = [length * step, x.shape[axis]! * step];
  const unit = widestUnit(from, at(y), run, stride);
  const args = { x: from, y: at(y), runs, length: run / unit };
  context.launch(
    `slice_${unit}`,
    { ...args, xStride: stride / unit, yStride: run / unit },
    gridOver(context, y),
  );
});

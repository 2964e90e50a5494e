import { copySectionOp, DTYPES, sizeOf } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';
import { widestUnit } from './units.ts';

export const copySection: CudaKernel = cudaKernel(
  copySectionOp,
  ({ into, x }, _outs, { axis, start }, context) => {
    const runs = sizeOf(into.shape.slice(0, axis));
    const step = (sizeOf(into.shape.slice(axis + 1)) * DTYPES[into.dtype].bits) / 8;
    const to = at(into) + start * step;
    const [run, stride] = [x.shape[axis]! * step, into.shape[axis]! * step];
    const unit = widestUnit(to, at(x), run, stride);
    const args = { x: at(x), into: to, runs, length: run / unit };
    context.launch(
      `copy_section_${unit}`,
      { ...args, xStride: run / unit, intoStride: stride / unit },
      gridOver(context, x),
    );
  },
);

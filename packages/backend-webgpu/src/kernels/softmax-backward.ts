import { asRows, softmaxBackwardOp } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { rowPlan } from './row-plan.ts';

export const softmaxBackward: WebGpuKernel = webGpuKernel(
  softmaxBackwardOp,
  ({ y, dy }, { dx }, _attrs, context) => {
    const { rows, width } = asRows(y.shape);
    const shares = [
      [y, width],
      [dy, width],
      [dx, width],
    ] as const;
    for (const { first, count } of context.ranges(rows, shares)) {
      const { entry, grid, team } = rowPlan(context, count, width);
      const part = (view: typeof y) => context.part(view, first * width, count * width);
      const tensors = { y: part(y), dy: part(dy), dx: part(dx) };
      context.launch('softmax-backward', entry, tensors, { rows: count, width }, grid, team);
    }
  },
);

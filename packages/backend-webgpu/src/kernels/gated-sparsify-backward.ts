import { asRows } from '@qsparse/core';
import { gatedSparsifyBackwardOp } from '@qsparse/quantizers';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';
import { GATED_KINDS } from './gated-activation.ts';
import { launchNormGradient } from './norm-backward.ts';

export const gatedSparsifyBackward: WebGpuKernel = webGpuKernel(
  gatedSparsifyBackwardOp,
  ({ dy, x, weight, inverseRms, intoWeight }, { dx, dWeight }, { kind }, context) => {
    if (inverseRms) {
      const sums = { dWeight: weight && dWeight, addToWeight: intoWeight !== undefined };
      launchNormGradient({ dy, x, kind, weight, inverseRms, dx, addToX: false, ...sums }, context);
      return;
    }
    const { rows, width } = asRows(dy.shape);
    for (const { first, count } of context.ranges(rows, [
      [dy, width],
      [x, 2 * width],
      [dx, 2 * width],
    ])) {
      const part = (view: typeof dy, each: number) => context.part(view, first * each, count * each);
      const tensors = { dy: part(dy, width), x: part(x, 2 * width), dx: part(dx, 2 * width) };
      const wide = width % 4 === 0 && Object.values(tensors).every((view) => context.isAligned(view, 16));
      const unit = wide ? 4 : 1;
      const args = { count: (count * width) / unit, width: width / unit };
      const module = wide ? 'gated-halves-backward-vec4' : 'gated-halves-backward';
      const overrides = { kind: GATED_KINDS[kind] };
      context.launch(
        module,
        'gated_halves_backward',
        tensors,
        args,
        flatGrid(context, args.count),
        overrides,
      );
    }
  },
);

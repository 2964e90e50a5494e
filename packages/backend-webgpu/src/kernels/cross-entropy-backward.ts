import { asRows, crossEntropyBackwardOp } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';

export const crossEntropyBackward: WebGpuKernel = webGpuKernel(
  crossEntropyBackwardOp,
  ({ d, logits, targets, logSumExp, count }, { dLogits }, _attrs, context) => {
    const { rows, width } = asRows(logits.shape);
    const inPlace = logits.slot === dLogits.slot && logits.offset === dLogits.offset;
    const shares = [
      [logits, width],
      [dLogits, width],
    ] as const;
    for (const { first, count: here } of context.ranges(rows, shares)) {
      const elements = here * width;
      context.launch(
        'cross-entropy-backward',
        'cross_entropy_backward',
        {
          ...{ d, count },
          logits: inPlace ? undefined : context.part(logits, first * width, elements),
          targets: context.part(targets, first, here),
          log_sum_exp: context.part(logSumExp, first, here),
          gradient: context.part(dLogits, first * width, elements),
        },
        { elements, width },
        flatGrid(context, elements),
        { in_place: inPlace },
      );
    }
  },
);

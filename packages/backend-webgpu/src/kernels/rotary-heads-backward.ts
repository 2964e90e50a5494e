import { rotaryHeadsBackwardOp } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';
import { rotaryPieces } from './rotary-sizes.ts';

export const rotaryHeadsBackward: WebGpuKernel = webGpuKernel(
  rotaryHeadsBackwardOp,
  ({ dQuery: query, dKey: key, dValue: value, table, position }, { dx }, _attrs, context) => {
    for (const piece of rotaryPieces({ x: dx, query, key, value }, table, position, context)) {
      const { args, x, ...gradients } = piece;
      context.launch(
        'rotary-heads-backward',
        'rotary_heads_backward',
        { ...gradients, dx: x, table, position },
        args,
        flatGrid(context, args.pairs),
      );
    }
  },
);

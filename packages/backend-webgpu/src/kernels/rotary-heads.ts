import { rotaryHeadsOp } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';
import { rotaryPieces } from './rotary-sizes.ts';

export const rotaryHeads: WebGpuKernel = webGpuKernel(
  rotaryHeadsOp,
  ({ x, table, position }, outs, _attrs, context) => {
    for (const { args, ...views } of rotaryPieces({ x, ...outs }, table, position, context)) {
      const tensors = { ...views, table, position };
      context.launch('rotary-heads', 'rotary_heads', tensors, args, flatGrid(context, args.pairs));
    }
  },
);

import { sizeOf, unaryBackwardOp } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid, launchFlat } from './elementwise.ts';
import { UNARY_KINDS } from './unary.ts';

export const unaryBackward: WebGpuKernel = webGpuKernel(
  unaryBackwardOp,
  ({ x, dy }, { dx }, { kind }, context) =>
    launchFlat(context, { x, dy, dx }, sizeOf(x.shape), ({ wide, parts, count }) => {
      const module = wide ? 'unary-backward-vec4' : 'unary-backward';
      const overrides = { kind: UNARY_KINDS[kind] };
      context.launch(module, 'unary_backward', parts, { count }, flatGrid(context, count), overrides);
    }),
);

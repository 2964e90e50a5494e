import { accumulateOp, sizeOf } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid, launchFlat } from './elementwise.ts';

export const accumulate: WebGpuKernel = webGpuKernel(accumulateOp, ({ into, x }, _outs, _attrs, context) =>
  launchFlat(context, { into, x }, sizeOf(into.shape), ({ wide, parts, count }) => {
    const module = wide ? 'accumulate-vec4' : 'accumulate';
    context.launch(module, 'accumulate', parts, { count }, flatGrid(context, count));
  }),
);

import { scaleOp, sizeOf } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid, launchFlat } from './elementwise.ts';

export const scale: WebGpuKernel = webGpuKernel(scaleOp, ({ x }, { y }, { factor }, context) =>
  launchFlat(context, { x, y }, sizeOf(x.shape), ({ wide, parts, count }) =>
    context.launch(
      wide ? 'scale-vec4' : 'scale',
      'scale',
      parts,
      { count, factor },
      flatGrid(context, count),
    ),
  ),
);

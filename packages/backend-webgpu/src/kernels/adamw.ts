import { adamwOp, sizeOf } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid, launchFlat } from './elementwise.ts';

export const adamw: WebGpuKernel = webGpuKernel(
  adamwOp,
  ({ value, grad, m, v, norm, hyper }, _outs, { beta1, beta2, epsilon, decay }, context) => {
    // 1 - beta here, in float64: in float32 it would lose digits.
    const constants = { decay: decay ? 1 : 0, beta1, rest1: 1 - beta1, beta2, rest2: 1 - beta2, epsilon };
    launchFlat(context, { value, m, v, grad }, sizeOf(value.shape), ({ wide, parts, count }) =>
      context.launch(
        wide ? 'adamw-vec4' : 'adamw',
        'adamw',
        { ...parts, norm, hyper },
        { count, ...constants },
        flatGrid(context, count),
      ),
    );
  },
);

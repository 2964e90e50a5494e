import { adamwOp, sizeOf } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';

export const adamw: CudaKernel = cudaKernel(
  adamwOp,
  ({ value, grad, m, v, norm, hyper }, _outs, { beta1, beta2, epsilon, decay }, context) => {
    const args = {
      ...{ value: at(value), grad: at(grad), m: at(m), v: at(v), norm: at(norm), hyper: at(hyper) },
      ...{ count: sizeOf(value.shape), decay: decay ? 1 : 0, epsilon },
      // 1 - beta here, in float64: in float32 it would lose digits.
      ...{ beta1, rest1: 1 - beta1, beta2, rest2: 1 - beta2 },
    };
    context.launch('adamw_f32', args, gridOver(context, value));
  },
);

import { adamwOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** Elementary operations per element. */
const WORK = 8;

export const adamw: CpuKernel = cpuKernel(
  adamwOp,
  ({ value, grad, m, v, norm, hyper }, _outs, { beta1, beta2, epsilon, decay }) => {
    const count = sizeOf(value.shape);
    const args = {
      ...{ value: at(value), grad: at(grad), m: at(m), v: at(v), norm: at(norm), hyper: at(hyper) },
      ...{ count, decay: decay ? 1 : 0, epsilon },
      // 1 - beta here, in float64: in float32 it would lose digits.
      ...{ beta1, rest1: 1 - beta1, beta2, rest2: 1 - beta2 },
    };
    return [call('adamw', args, WORK * count)];
  },
);

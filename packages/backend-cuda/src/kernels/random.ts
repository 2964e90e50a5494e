import { normalFactor, randomOp, sizeOf } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';

export const random: CudaKernel = cudaKernel(
  randomOp,
  ({ into, state }, _outs, { distribution, scale }, context) => {
    const args = { into: at(into), state: at(state), count: sizeOf(into.shape) };
    const grid = gridOver(context, into);
    if (distribution === 'uniform') context.launch('random_uniform_f32', { ...args, factor: scale }, grid);
    else context.launch('random_normal_f32', { ...args, factor: normalFactor(scale) }, grid);
  },
);

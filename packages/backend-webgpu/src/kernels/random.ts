import { normalFactor, randomOp, sizeOf } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';

export const random: WebGpuKernel = webGpuKernel(
  randomOp,
  ({ into, state }, _outs, { distribution, scale }, context) => {
    let first = 0;
    for (const part of context.sections(into, 4)) {
      const count = sizeOf(part.shape);
      const tensors = { into: part, state };
      if (distribution === 'uniform') {
        const args = { count, firstBlock: first / 4, factor: scale };
        context.launch('random', 'random_uniform', tensors, args, flatGrid(context, Math.ceil(count / 4)));
      } else {
        const args = { count, firstBlock: first, factor: normalFactor(scale) };
        context.launch('random', 'random_normal', tensors, args, flatGrid(context, count));
      }
      first += count;
    }
  },
);

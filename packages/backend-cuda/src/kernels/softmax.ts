import { asRows, softmaxOp } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { planRows } from './rows.ts';

export const softmax: CudaKernel = cudaKernel(
  softmaxOp,
  ({ x, position }, { y }, { causal, window }, context) => {
    const { rows, width } = asRows(x.shape);
    const { group, grid } = planRows(rows, width);
    const args = {
      ...{ x: at(x), position: at(position), y: at(y), rows, width },
      causal: causal ? 1 : 0,
      window: Math.min(window, 2 ** 31 - 1),
      queries: causal ? x.shape.at(-2)! : 1,
    };
    context.launch(x.dtype === 'f32' ? `softmax_${group}_f32` : `softmax_${group}_bf16`, args, grid);
  },
);

import { asRows, positionStep, softmaxOp } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { planRows } from './rows.ts';

export const softmax: CudaKernel = cudaKernel(
  softmaxOp,
  ({ x, position, first }, { y }, { causal, window }, context) => {
    const { rows, width } = asRows(x.shape);
    const { group, grid } = planRows(rows, width);
    const args = {
      ...{ x: at(x), position: at(position), first: at(first), y: at(y), rows, width },
      causal: causal ? 1 : 0,
      window: Math.min(window, 2 ** 31 - 1),
      queries: causal ? x.shape.at(-2)! : 1,
      batchRows: causal && x.shape.length > 2 ? rows / x.shape[0]! : rows,
      positionStep: positionStep(position),
    };
    context.launch(x.dtype === 'f32' ? `softmax_${group}_f32` : `softmax_${group}_bf16`, args, grid);
  },
);

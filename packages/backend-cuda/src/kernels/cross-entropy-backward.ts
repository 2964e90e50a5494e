import { asRows, crossEntropyBackwardOp } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { planRows } from './rows.ts';

export const crossEntropyBackward: CudaKernel = cudaKernel(
  crossEntropyBackwardOp,
  ({ d, logits, targets, logSumExp, count }, { dLogits }, _attrs, context) => {
    const { rows, width } = asRows(logits.shape);
    const { group, grid } = planRows(rows, width);
    const args = {
      ...{ d: at(d), logits: at(logits), targets: at(targets), logSumExp: at(logSumExp), count: at(count) },
      ...{ dLogits: at(dLogits), rows, width },
    };
    const kernel =
      logits.dtype === 'f32'
        ? (`cross_entropy_backward_${group}_f32` as const)
        : (`cross_entropy_backward_${group}_bf16` as const);
    context.launch(kernel, args, grid);
  },
);

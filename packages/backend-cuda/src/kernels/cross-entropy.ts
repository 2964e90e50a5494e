import { asRows, crossEntropyOp } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { planRows } from './rows.ts';

export const crossEntropy: CudaKernel = cudaKernel(
  crossEntropyOp,
  ({ logits, targets }, { loss, logSumExp, count }, _attrs, context) => {
    const { rows, width } = asRows(logits.shape);
    const { group, grid } = planRows(rows, width);
    const rowLosses = context.temporary(rows * 4);
    context.launch(
      logits.dtype === 'f32' ? `cross_entropy_${group}_f32` : `cross_entropy_${group}_bf16`,
      { logits: at(logits), targets: at(targets), logSumExp: at(logSumExp), rowLosses, rows, width },
      grid,
    );
    const mean = { rowLosses, targets: at(targets), loss: at(loss), count: at(count), rows };
    context.launch('cross_entropy_mean', mean, [1]);
  },
);

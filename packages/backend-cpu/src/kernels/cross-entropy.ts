import { asRows, crossEntropyOp } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** Elementary operations per logit: an exponential and a maximum. */
const WORK = 12;

export const crossEntropy: CpuKernel = cpuKernel(
  crossEntropyOp,
  ({ logits, targets }, { loss, logSumExp, count }, _attrs, { temporary }) => {
    const { rows, width } = asRows(logits.shape);
    const args = {
      ...{
        logits: at(logits),
        targets: at(targets),
        loss: at(loss),
        logSumExp: at(logSumExp),
        count: at(count),
      },
      ...{ rowLosses: temporary(rows * 4), rows, width },
    };
    return [call('cross_entropy', args, WORK * rows * width)];
  },
);

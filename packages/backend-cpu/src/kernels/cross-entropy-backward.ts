import { asRows, crossEntropyBackwardOp } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** Elementary operations per logit: an exponential. */
const WORK = 12;

export const crossEntropyBackward: CpuKernel = cpuKernel(
  crossEntropyBackwardOp,
  ({ d, logits, targets, logSumExp, count }, { dLogits }) => {
    const { rows, width } = asRows(logits.shape);
    const args = {
      ...{ d: at(d), logits: at(logits), targets: at(targets), logSumExp: at(logSumExp), count: at(count) },
      ...{ dLogits: at(dLogits), rows, width },
    };
    return [call('cross_entropy_backward', args, WORK * rows * width)];
  },
);

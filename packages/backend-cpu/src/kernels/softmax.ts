import { asRows, positionStep, softmaxOp } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** Elementary operations per element: an exponential and three passes. */
const WORK = 14;

export const softmax: CpuKernel = cpuKernel(
  softmaxOp,
  ({ x, position, first }, { y }, { causal, window }) => {
    const { rows, width } = asRows(x.shape);
    const args = {
      x: at(x),
      position: at(position),
      first: at(first),
      y: at(y),
      rows,
      n: width,
      causal: causal ? 1 : 0,
      window: Math.min(window, 2 ** 31 - 1),
      queries: causal ? x.shape.at(-2)! : 1,
      batchRows: causal && x.shape.length > 2 ? rows / x.shape[0]! : rows,
      positionStep: positionStep(position),
    };
    return [call('softmax', args, WORK * rows * width)];
  },
);

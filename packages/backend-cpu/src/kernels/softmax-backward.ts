import { asRows, softmaxBackwardOp } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const softmaxBackward: CpuKernel = cpuKernel(softmaxBackwardOp, ({ y, dy }, { dx }) => {
  const { rows, width } = asRows(y.shape);
  const args = { y: at(y), dy: at(dy), dx: at(dx), rows, n: width };
  return [call('softmax_backward', args, 2 * rows * width)];
});

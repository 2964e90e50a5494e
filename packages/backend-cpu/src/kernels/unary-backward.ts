import { sizeOf, unaryBackwardOp } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';
import { UNARY_KINDS, UNARY_WORK } from './unary.ts';

export const unaryBackward: CpuKernel = cpuKernel(unaryBackwardOp, ({ x, dy }, { dx }, { kind }) => {
  const count = sizeOf(x.shape);
  const args = { x: at(x), dy: at(dy), dx: at(dx), count, kind: UNARY_KINDS[kind] };
  return [call('unary_backward', args, UNARY_WORK[kind] * count)];
});

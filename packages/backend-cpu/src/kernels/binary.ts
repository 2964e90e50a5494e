import { type BinaryKind, binaryOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** The same order as in binary.c. */
const KINDS: Readonly<Record<BinaryKind, number>> = { add: 0, subtract: 1, multiply: 2, divide: 3 };

export const binary: CpuKernel = cpuKernel(binaryOp, ({ a, b }, { y }, { kind }) => {
  const count = sizeOf(a.shape);
  const args = { a: at(a), b: at(b), y: at(y), count, period: sizeOf(b.shape), kind: KINDS[kind] };
  return [call('binary', args, count)];
});

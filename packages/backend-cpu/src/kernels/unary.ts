import { sizeOf, type UnaryKind, unaryOp } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** The same order as in unary.h. */
export const UNARY_KINDS: Readonly<Record<UnaryKind, number>> = {
  negate: 0,
  exp: 1,
  log: 2,
  sqrt: 3,
  square: 4,
  reciprocal: 5,
  absolute: 6,
  relu: 7,
  'squared-relu': 8,
  silu: 9,
  gelu: 10,
};

/** Elementary operations per element. */
export const UNARY_WORK: Readonly<Record<UnaryKind, number>> = {
  ...{ negate: 1, sqrt: 2, square: 1, reciprocal: 2, absolute: 1, relu: 1, 'squared-relu': 1 },
  ...{ exp: 10, log: 10, silu: 15, gelu: 15 },
};

export const unary: CpuKernel = cpuKernel(unaryOp, ({ x }, { y }, { kind }) => {
  const count = sizeOf(x.shape);
  return [call('unary', { x: at(x), y: at(y), count, kind: UNARY_KINDS[kind] }, UNARY_WORK[kind] * count)];
});

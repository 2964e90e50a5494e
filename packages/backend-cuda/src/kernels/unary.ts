import { sizeOf, type UnaryKind, unaryOp } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';

/** The same order as in unary.cuh. */
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

export const unary: CudaKernel = cudaKernel(unaryOp, ({ x }, { y }, { kind }, context) => {
  const args = { x: at(x), y: at(y), count: sizeOf(x.shape), kind: UNARY_KINDS[kind] };
  context.launch(x.dtype === 'f32' ? 'unary_f32' : 'unary_bf16', args, gridOver(context, y));
});

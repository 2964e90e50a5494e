import { type BinaryKind, binaryOp, sizeOf } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';

/** The same order as in binary.cu. */
const KINDS: Readonly<Record<BinaryKind, number>> = { add: 0, subtract: 1, multiply: 2, divide: 3 };

export const binary: CudaKernel = cudaKernel(binaryOp, ({ a, b }, { y }, { kind }, context) => {
  const sizes = { count: sizeOf(a.shape), period: sizeOf(b.shape) };
  const args = { a: at(a), b: at(b), y: at(y), ...sizes, kind: KINDS[kind] };
  context.launch(a.dtype === 'f32' ? 'binary_f32' : 'binary_bf16', args, gridOver(context, y));
});

import { sizeOf, unaryBackwardOp } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';
import { UNARY_KINDS } from './unary.ts';

export const unaryBackward: CudaKernel = cudaKernel(
  unaryBackwardOp,
  ({ x, dy }, { dx }, { kind }, context) => {
    const args = { x: at(x), dy: at(dy), dx: at(dx), count: sizeOf(x.shape), kind: UNARY_KINDS[kind] };
    context.launch(
      x.dtype === 'f32' ? 'unary_backward_f32' : 'unary_backward_bf16',
      args,
      gridOver(context, dx),
    );
  },
);

import { broadcastOp, sizeOf } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';

export const broadcast: CudaKernel = cudaKernel(broadcastOp, ({ x }, { y }, { along }, context) => {
  const [count, size] = [sizeOf(y.shape), sizeOf(x.shape)];
  // One element is one long row, whichever way it repeats.
  const last = along === 'last' || size === 1;
  const [rows, width] = last ? [size, count / size] : [count / size, size];
  const args = { x: at(x), y: at(y), rows, width, last: last ? 1 : 0 };
  context.launch(x.dtype === 'f32' ? 'broadcast_f32' : 'broadcast_bf16', args, gridOver(context, y));
});

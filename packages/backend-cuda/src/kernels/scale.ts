import { scaleOp, sizeOf } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';

export const scale: CudaKernel = cudaKernel(scaleOp, ({ x }, { y }, { factor }, context) => {
  const args = { x: at(x), y: at(y), count: sizeOf(x.shape), factor };
  context.launch(x.dtype === 'f32' ? 'scale_f32' : 'scale_bf16', args, gridOver(context, y));
});

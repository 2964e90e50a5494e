import { argmaxOp, asRows } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';

/** As many threads as have something to do; whole warps. */
const threadsFor = (width: number): number => (width <= 256 ? 32 : width <= 8192 ? 256 : 1024);

export const argmax: CudaKernel = cudaKernel(argmaxOp, ({ x }, { y }, _attrs, context) => {
  const { rows, width } = asRows(x.shape);
  const kernel = x.dtype === 'f32' ? 'argmax_f32' : 'argmax_bf16';
  const options = { threads: threadsFor(width), early: true };
  context.launch(kernel, { x: at(x), y: at(y), rows, width }, [rows], options);
});

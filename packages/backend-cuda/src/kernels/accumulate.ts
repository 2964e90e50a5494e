import { accumulateOp, sizeOf } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';

export const accumulate: CudaKernel = cudaKernel(accumulateOp, ({ into, x }, _outs, _attrs, context) => {
  const same = into.dtype === 'f32' ? 'accumulate_f32' : 'accumulate_bf16';
  const kernel = into.dtype === x.dtype ? same : 'accumulate_f32_bf16';
  context.launch(kernel, { into: at(into), x: at(x), count: sizeOf(x.shape) }, gridOver(context, into));
});

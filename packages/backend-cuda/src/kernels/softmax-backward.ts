import { asRows, softmaxBackwardOp } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { planRows } from './rows.ts';

export const softmaxBackward: CudaKernel = cudaKernel(
  softmaxBackwardOp,
  ({ y, dy }, { dx }, _attrs, context) => {
    const { rows, width } = asRows(y.shape);
    const { group, grid } = planRows(rows, width);
    const kernel =
      y.dtype === 'f32'
        ? (`softmax_backward_${group}_f32` as const)
        : (`softmax_backward_${group}_bf16` as const);
    context.launch(kernel, { y: at(y), dy: at(dy), dx: at(dx), rows, width }, grid);
  },
);

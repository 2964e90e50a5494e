import { byteLength, copyOp, sizeOf } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOverBytes } from './elementwise.ts';
import { widestUnit } from './units.ts';

export const copy: CudaKernel = cudaKernel(copyOp, ({ into, x }, _outs, _attrs, context) => {
  const bytes = byteLength(x.dtype, sizeOf(x.shape));
  const unit = widestUnit(at(into), at(x));
  const args = { x: at(x), into: at(into), units: Math.floor(bytes / unit), tail: bytes % unit };
  context.launch(`copy_${unit}`, args, gridOverBytes(context, bytes));
});

import { embeddingOp, sizeOf } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';

export const embedding: CudaKernel = cudaKernel(embeddingOp, ({ table, ids }, { y }, _attrs, context) => {
  const [length, width] = table.shape as [number, number];
  const args = { table: at(table), ids: at(ids), y: at(y), rows: sizeOf(ids.shape), length, width };
  context.launch(table.dtype === 'f32' ? 'embedding_f32' : 'embedding_bf16', args, gridOver(context, y));
});

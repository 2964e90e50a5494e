import { embeddingOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const embedding: CpuKernel = cpuKernel(embeddingOp, ({ table, ids }, { y }) => {
  const [length, width] = table.shape as [number, number];
  const rows = sizeOf(ids.shape);
  const args = { table: at(table), ids: at(ids), y: at(y), rows, length, width };
  return [call('embedding', args, rows * width)];
});

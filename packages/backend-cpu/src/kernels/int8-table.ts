import { asRows, sizeOf } from '@qsparse/core';
import { int8EmbeddingOp, int8HeadOp } from '@qsparse/quantizers';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** Weights that are multiplied in the time of one elementary operation. */
const WEIGHTS = 2;

export const int8Embedding: CpuKernel = cpuKernel(int8EmbeddingOp, ({ table, scales, ids }, { y }) => {
  const [length, width] = table.shape as [number, number];
  const rows = sizeOf(ids.shape);
  const args = { table: at(table), scales: at(scales), ids: at(ids), y: at(y), rows, length, width };
  return [call('int8_embedding', args, rows * width)];
});

export const int8Head: CpuKernel = cpuKernel(int8HeadOp, ({ x, table, scales }, { y }) => {
  const { rows, width } = asRows(x.shape);
  const length = table.shape[0]!;
  const args = { x: at(x), table: at(table), scales: at(scales), y: at(y), rows, width, length };
  return [call('int8_head', args, (rows * width * length) / WEIGHTS)];
});

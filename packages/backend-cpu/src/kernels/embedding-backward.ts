import { embeddingBackwardOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const embeddingBackward: CpuKernel = cpuKernel(embeddingBackwardOp, ({ dy, ids, into }) => {
  const [length, width] = into.shape as [number, number];
  const rows = sizeOf(ids.shape);
  const args = { dy: at(dy), ids: at(ids), into: at(into), rows, length, width };
  return [call('embedding_backward', args, rows * width)];
});

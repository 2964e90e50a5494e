import { embeddingOp, sizeOf } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';

/** Bits of a NaN. */
const NAN = 0x7fc00000;

export const embedding: WebGpuKernel = webGpuKernel(embeddingOp, ({ table, ids }, { y }, _attrs, context) => {
  const [length, width] = table.shape as [number, number];
  for (const tokens of context.ranges(sizeOf(ids.shape), [[y, width]])) {
    const count = tokens.count * width;
    const part = {
      ids: context.part(ids, tokens.first, tokens.count),
      y: context.part(y, tokens.first * width, count),
    };
    for (const { first, count: rows } of context.ranges(length, [[table, width]])) {
      context.launch(
        'embedding',
        'embedding',
        { ...part, table: context.part(table, first * width, rows * width) },
        { count, width, length, first, rows, nan: NAN },
        flatGrid(context, count),
      );
    }
  }
});

import { ropeOp, sizeOf } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';
import { placesOf } from './places.ts';

export const rope: WebGpuKernel = webGpuKernel(
  ropeOp,
  ({ x, table, position }, { y }, { interleaved, inverse }, context) => {
    const [tokens, heads, width] = x.shape.slice(-3) as [number, number, number];
    const rows = sizeOf(x.shape) / width;
    const batch = x.shape.length > 3 ? x.shape[0]! : 1;
    const half = width / 2;
    for (const { first, count } of context.ranges(rows, [
      [x, width],
      [y, width],
    ])) {
      const part = {
        x: context.part(x, first * width, count * width),
        y: context.part(y, first * width, count * width),
      };
      context.launch(
        'rope',
        'rope',
        { ...part, table, position },
        {
          ...{ pairs: count * half, half, heads, tokens, length: table.shape[0]!, first: first * half },
          ...{ sign: inverse ? -1 : 1, places: placesOf(position), pairsOfRow: (rows / batch) * half },
        },
        flatGrid(context, count * half),
        { interleaved },
      );
    }
  },
);

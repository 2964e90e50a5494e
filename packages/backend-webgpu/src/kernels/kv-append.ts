import { kvAppendOp, sizeOf } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';
import { placesOf } from './places.ts';

export const kvAppend: WebGpuKernel = webGpuKernel(
  kvAppendOp,
  ({ cache, x, position }, _outs, _attrs, context) => {
    const [batch, length, groups, headWidth] = cache.shape as [number, number, number, number];
    const width = groups * headWidth;
    const count = sizeOf(x.shape);
    for (const { first, count: bound } of context.ranges(batch * length, [[cache, width]])) {
      context.launch(
        'kv-append',
        'kv_append',
        { cache: context.part(cache, first * width, bound * width), x, position },
        { count, width, tokens: x.shape[1]!, length, first, bound, places: placesOf(position) },
        flatGrid(context, count),
      );
    }
  },
);

import { argmaxOp, asRows } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';

export const argmax: WebGpuKernel = webGpuKernel(argmaxOp, ({ x }, { y }, _attrs, context) => {
  const { rows, width } = asRows(x.shape);
  const team = context.barrierFree ? 16 : width <= 512 ? 64 : 256;
  for (const { first, count } of context.ranges(rows, [[x, width]])) {
    const tensors = { x: context.part(x, first * width, count * width), y: context.part(y, first, count) };
    context.launch('argmax', 'argmax', tensors, { rows: count, width }, context.grid(count), { team });
  }
});

import { broadcastOp, sizeOf } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';

export const broadcast: WebGpuKernel = webGpuKernel(broadcastOp, ({ x }, { y }, { along }, context) => {
  const period = sizeOf(x.shape);
  const repeats = along === 'last' ? sizeOf(y.shape) / period : 1;
  let first = 0;
  for (const part of context.sections(y, 4)) {
    const count = sizeOf(part.shape);
    const args = { count, repeats, period, start: first % (period * repeats) };
    context.launch('broadcast', 'broadcast', { x, y: part }, args, flatGrid(context, count));
    first += count;
  }
});

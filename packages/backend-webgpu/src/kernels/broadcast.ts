import { broadcastOp, sizeOf, type View } from '@qsparse/core';
import { type LaunchContext, type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';

export const broadcast: WebGpuKernel = webGpuKernel(broadcastOp, ({ x }, { y }, { along }, context) => {
  const period = sizeOf(x.shape);
  const copies = sizeOf(y.shape) / period;
  const ranges = context.ranges(period, [[x, 1]]);
  if (ranges.length === 1) {
    spread(x, y, along === 'last' ? copies : 1, context);
    return;
  }
  for (const { first, count } of ranges) {
    const from = context.part(x, first, count);
    if (along === 'last') {
      spread(from, context.part(y, first * copies, count * copies), copies, context);
      continue;
    }
    for (let copy = 0; copy < copies; copy++) {
      spread(from, context.part(y, copy * period + first, count), 1, context);
    }
  }
});

/** Fills y with x, each element `repeats` times, over and over; x fits in one binding. */
function spread(x: View, y: View, repeats: number, context: LaunchContext): void {
  const period = sizeOf(x.shape);
  let first = 0;
  for (const part of context.sections(y, 4)) {
    const count = sizeOf(part.shape);
    const args = { count, repeats, period, start: first % (period * repeats) };
    context.launch('broadcast', 'broadcast', { x, y: part }, args, flatGrid(context, count));
    first += count;
  }
}

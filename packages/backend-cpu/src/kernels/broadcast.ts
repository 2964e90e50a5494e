import { broadcastOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const broadcast: CpuKernel = cpuKernel(broadcastOp, ({ x }, { y }, { along }) => {
  const count = sizeOf(y.shape);
  const size = sizeOf(x.shape);
  // One element is one long row, whichever way it repeats.
  const last = along === 'last' || size === 1;
  const [rows, width] = last ? [size, count / size] : [count / size, size];
  return [call('broadcast', { x: at(x), y: at(y), rows, width, last: last ? 1 : 0 }, count + 2 * rows)];
});

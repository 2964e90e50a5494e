import { randomOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** Elementary operations per number: 10 rounds of 2 wide products for 4 numbers. */
const WORK = 20;

export const random: CpuKernel = cpuKernel(randomOp, ({ into, state }) => {
  const count = sizeOf(into.shape);
  return [call('random', { into: at(into), state: at(state), count }, WORK * count)];
});

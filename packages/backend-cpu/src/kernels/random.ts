import { normalFactor, randomOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** Elementary operations of a block: 10 rounds of 2 wide products. It makes four uniform numbers or a normal one. */
const WORK = 80;

export const random: CpuKernel = cpuKernel(randomOp, ({ into, state }, _outs, { distribution, scale }) => {
  const count = sizeOf(into.shape);
  const normal = distribution === 'normal';
  const args = { into: at(into), state: at(state), count, normal: normal ? 1 : 0 };
  const factor = normal ? normalFactor(scale) : scale;
  return [call('random', { ...args, factor }, (normal ? WORK : WORK / 4) * count)];
});

import { rotaryHeadsBackwardOp } from '@qsparse/core';
import { type CpuKernel, cpuKernel } from '../launch.ts';
import { rotaryLaunch } from './rotary-heads.ts';

export const rotaryHeadsBackward: CpuKernel = cpuKernel(
  rotaryHeadsBackwardOp,
  ({ dQuery, dKey, dValue, table, position }, { dx }) => [
    rotaryLaunch({ x: dx, query: dQuery, key: dKey, value: dValue, table, position }, 1),
  ],
);

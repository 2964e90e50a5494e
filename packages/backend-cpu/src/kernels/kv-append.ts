import { kvAppendOp, positionStep } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const kvAppend: CpuKernel = cpuKernel(kvAppendOp, ({ cache, x, position }) => {
  const [batch, tokens, groups, size] = x.shape as [number, number, number, number];
  const width = groups * size;
  const args = {
    ...{ cache: at(cache), x: at(x), position: at(position) },
    ...{ batch, tokens, length: cache.shape[1]!, width },
    positionStep: positionStep(position),
  };
  return [call('kv_append', args, batch * tokens * width)];
});

import { asRows, rmsNormOp } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const rmsNorm: CpuKernel = cpuKernel(rmsNormOp, ({ x, weight }, { y, inverseRms }, { epsilon }) => {
  const { rows, width } = asRows(x.shape);
  const args = {
    ...{ x: at(x), weight: at(weight), y: at(y), inverseRms: at(inverseRms) },
    ...{ rows, width, epsilon },
  };
  return [call('rms_norm', args, 2 * rows * width)];
});

import { asRows } from '@qsparse/core';
import { compactOp } from '@qsparse/quantizers';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const compact: CpuKernel = cpuKernel(
  compactOp,
  ({ x }, { indices, values, count, scale }, { k, int8 }) => {
    const { rows, width } = asRows(x.shape);
    const args = {
      ...{ x: at(x), indices: at(indices), count: at(count), rows, width, keep: k },
      ...(int8
        ? { values: 0, codes: at(values), scale: at(scale) }
        : { values: at(values), codes: 0, scale: 0 }),
    };
    return [call('compact', args, 2 * rows * width)];
  },
);

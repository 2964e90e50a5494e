import { asRows, byteLength } from '@qsparse/core';
import { sparseGemvOp } from '@qsparse/quantizers';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const sparseGemv: CpuKernel = cpuKernel(
  sparseGemvOp,
  ({ indices, values, count, w, scales, add }, { y }) => {
    const { rows, width: keep } = asRows(indices.shape);
    const [inputs, outputs] = w.shape as [number, number];
    const args = {
      ...{ indices: at(indices), values: at(values), count: at(count), w: at(w), scales: at(scales) },
      ...{ add: at(add), y: at(y), rows, keep, inputs, outputs, elementBytes: byteLength(w.dtype, 1) },
    };
    return [call('sparse_gemv', args, rows * keep * outputs)];
  },
);

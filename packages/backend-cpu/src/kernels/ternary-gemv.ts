import { asRows, sizeOf } from '@qsparse/core';
import { ternaryGemvOp } from '@qsparse/quantizers';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** Weights that are multiplied in the time of one elementary operation. */
const WEIGHTS = 4;

export const ternaryGemv: CpuKernel = cpuKernel(
  ternaryGemvOp,
  ({ indices, values, count, scale, w, scales, add }, { y }) => {
    const { rows, width: keep } = asRows(indices.shape);
    const outputs = sizeOf(scales.shape);
    const args = {
      ...{ indices: at(indices), values: at(values), count: at(count), scale: at(scale), w: at(w) },
      ...{ scales: at(scales), add: at(add), y: at(y), rows, keep, inputs: w.shape[0]!, outputs },
    };
    return [call('ternary_gemv', args, (rows * keep * outputs) / WEIGHTS)];
  },
);

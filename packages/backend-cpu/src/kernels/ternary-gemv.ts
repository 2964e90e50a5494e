import { asRows, sizeOf } from '@qsparse/core';
import { ternaryGemvOp } from '@qsparse/quantizers';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** Weights that are multiplied in the time of one elementary operation. */
const WEIGHTS = 4;
/** Rows of which all channels are active from which on they are faster together than each with its own: as measured. */
const MANY_ROWS = 8;
/** Multiples that ternary-gemm.c rounds rows and inputs up to. */
const [ROW_GROUP, INPUT_GROUP] = [4, 4];
const INTEGER_BYTES = 4;

const up = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;

export const ternaryGemv: CpuKernel = cpuKernel(
  ternaryGemvOp,
  ({ indices, values, count, scale, w, scales, add }, { y }, _attrs, context) => {
    const { rows, width: keep } = asRows(indices.shape);
    const [inputs, outputs] = [w.shape[0]!, sizeOf(scales.shape)];
    const args = {
      ...{ indices: at(indices), values: at(values), count: at(count), scale: at(scale), w: at(w) },
      ...{ scales: at(scales), add: at(add), y: at(y), rows, keep, inputs, outputs },
    };
    if (rows * keep < MANY_ROWS * inputs)
      return [call('ternary_gemv', args, (rows * keep * outputs) / WEIGHTS)];
    const dense = context.temporary(up(rows, ROW_GROUP) * up(inputs, INPUT_GROUP));
    const [excess, broken] = [
      context.temporary(rows * INTEGER_BYTES),
      context.temporary(rows * INTEGER_BYTES),
    ];
    const work = (rows * inputs * outputs) / WEIGHTS;
    return [call('ternary_gemm', { ...args, dense, excess, broken }, work)];
  },
);

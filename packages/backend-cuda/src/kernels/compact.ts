import { asRows } from '@qsparse/core';
import { compactOp } from '@qsparse/quantizers';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';

export const compact: CudaKernel = cudaKernel(
  compactOp,
  ({ x }, { indices, values, count, scale }, { k, int8 }, context) => {
    const { rows, width } = asRows(x.shape);
    const args = {
      ...{ x: at(x), indices: at(indices), count: at(count), width, keep: k },
      ...(int8
        ? { values: 0, codes: at(values), scale: at(scale) }
        : { values: at(values), codes: 0, scale: 0 }),
    };
    context.launch(x.dtype === 'f32' ? 'compact_f32' : 'compact_bf16', args, [rows]);
  },
);

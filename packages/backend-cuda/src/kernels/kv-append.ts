import { DTYPES, kvAppendOp, positionStep } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';
import { widestUnit } from './units.ts';

export const kvAppend: CudaKernel = cudaKernel(
  kvAppendOp,
  ({ cache, x, position }, _outs, _attrs, context) => {
    const [batch, tokens, groups, size] = x.shape as [number, number, number, number];
    const bytes = (groups * size * DTYPES[x.dtype].bits) / 8;
    // Elements have 2 bytes at least.
    const unit = widestUnit(at(cache), at(x), bytes) as 2 | 4 | 8 | 16;
    const args = {
      ...{ cache: at(cache), x: at(x), position: at(position) },
      ...{ rows: batch * tokens, width: bytes / unit, tokens, length: cache.shape[1]! },
      positionStep: positionStep(position),
    };
    context.launch(`kv_append_${unit}`, args, gridOver(context, x));
  },
);

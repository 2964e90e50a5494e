import { castOp, type DType, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** The same order as in cast.c; the op takes no packed dtype. */
const DTYPES: readonly DType[] = ['f32', 'bf16', 'i32', 'i8'];

export const cast: CpuKernel = cpuKernel(castOp, ({ x }, { y }, { dtype }) => {
  const count = sizeOf(x.shape);
  const [from, to] = [DTYPES.indexOf(x.dtype), DTYPES.indexOf(dtype)];
  return [call('cast', { x: at(x), y: at(y), count, from, to }, 2 * count)];
});

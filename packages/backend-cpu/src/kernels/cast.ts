/** Two ops, one kernel: they differ in the gradient alone. */
import { castOp, castStraightThroughOp, type DType, type Inputs, sizeOf, type View } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel, type Launch } from '../launch.ts';

/** The same order as in cast.c; the op takes no packed dtype. */
const DTYPES: readonly DType[] = ['f32', 'bf16', 'i32', 'i8'];

function launch({ x }: Inputs<View, 'x', never>, { y }: Readonly<Record<'y', View>>): readonly Launch[] {
  const count = sizeOf(x.shape);
  const [from, to] = [DTYPES.indexOf(x.dtype), DTYPES.indexOf(y.dtype)];
  return [call('cast', { x: at(x), y: at(y), count, from, to }, 2 * count)];
}

export const cast: CpuKernel = cpuKernel(castOp, launch);
export const castStraightThrough: CpuKernel = cpuKernel(castStraightThroughOp, launch);

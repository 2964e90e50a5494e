/**
 * The Euclidean norm of all elements, for clipping: sqrt(sum x²), summed in float64 or with compensation, since
 * it runs over a whole gradient arena. NaN and infinity come through. No gradient.
 */
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import type { Tensor } from '../tensor.ts';
import { requireFloat } from './require.ts';

export const globalNormOp: Op<'x', 'norm', null> = {
  name: 'global-norm',
  infer({ x }) {
    requireFloat('global-norm', { x });
    return { norm: { dtype: 'f32', shape: [] } };
  },
  reference({ x }, { norm }) {
    let squares = 0;
    for (const element of x) squares += element * element;
    norm[0] = Math.sqrt(squares);
  },
};

/** The norm of all elements of `x` (f32 or bf16, any shape): f32 []. Not on the tape. */
export function globalNorm(x: Tensor): Tensor {
  return run(globalNormOp, { x }, null).norm;
}

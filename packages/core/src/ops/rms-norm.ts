/**
 * Root mean square norm over the last dimension (Zhang and Sennrich, "Root mean square layer normalization",
 * 2019): y = x · inverseRms · weight, inverseRms = 1 / sqrt(mean(x²) + epsilon). A row of zeros gives zeros.
 */
import { ValueError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { asRows } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { onlyGradient, requireF32Or, requireFloat, requireRank, requireSameShape } from './require.ts';
import { rmsNormBackwardOp } from './rms-norm-backward.ts';

export interface RmsNormAttrs {
  /** Added to the mean square; more than 0. */
  readonly epsilon: number;
}

export const rmsNormOp: Op<'x', 'y' | 'inverseRms', RmsNormAttrs, 'weight'> = {
  name: 'rms-norm',
  infer({ x, weight }, { epsilon }) {
    const dtype = requireFloat('rms-norm', { x });
    requireF32Or('rms-norm', 'weight', weight, dtype);
    requireRank('rms-norm', 'x', x.shape, 1);
    const { rows, width } = asRows(x.shape);
    if (weight) requireSameShape('rms-norm', 'weight', weight.shape, [width]);
    if (!(epsilon > 0 && Number.isFinite(epsilon))) {
      throw new ValueError('rms-norm', `epsilon must be finite and more than 0, got ${epsilon}`);
    }
    return { y: { dtype, shape: x.shape }, inverseRms: { dtype: 'f32', shape: [rows] } };
  },
  reference({ x, weight }, { y, inverseRms }, { epsilon }, types) {
    const { rows, width } = asRows(types.x.shape);
    for (let row = 0; row < rows; row++) {
      let squares = 0;
      for (let i = 0; i < width; i++) squares += x[row * width + i]! ** 2;
      const scale = 1 / Math.sqrt(squares / width + epsilon);
      inverseRms[row] = scale;
      for (let i = 0; i < width; i++) y[row * width + i] = x[row * width + i]! * scale * (weight?.[i] ?? 1);
    }
  },
  vjp: {
    save: ['x', 'weight', 'inverseRms'],
    pull({ d, saved, into }) {
      const dy = onlyGradient('rms-norm', d, 'y');
      const { x, weight, inverseRms } = saved as Record<'x' | 'inverseRms', Tensor> & { weight?: Tensor };
      const { dx, dWeight } = run(
        rmsNormBackwardOp,
        { dy, x, weight, inverseRms, intoX: into('x'), intoWeight: into('weight') },
        null,
      );
      return { x: dx, ...(weight && { weight: dWeight }) };
    },
  },
};

/**
 * y [..., n] = x / sqrt(mean(x²) + epsilon) · weight, per row of the last dimension. `x` is f32 or bf16, `weight` [n]
 * alike or f32; y has x's dtype. Without `weight` it only normalises.
 */
export function rmsNorm(
  x: Tensor,
  weight: Tensor | undefined,
  { epsilon = 1e-6 }: Partial<RmsNormAttrs> = {},
): Tensor {
  return run(rmsNormOp, { x, weight }, { epsilon }).y;
}

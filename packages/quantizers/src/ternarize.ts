/** Ternary rounding of a weight matrix as an op, in floating point. The integers themselves come from encode.ts. */
import { type Op, requireFloat, run, type Tensor } from '@qsparse/core';
import { absoluteMean } from './encode.ts';
import { isFiniteRow } from './finite.ts';
import { roundWithin } from './rounding.ts';

/**
 * Over the whole tensor: alpha = mean|w|, at least 1e-5; y = alpha · round(w / alpha), ties to even, within ±1 before
 * scaling. The gradient passes straight through. With a NaN or an infinity anywhere, y and alpha are NaN.
 */
export const ternarizeOp: Op<'w', 'y' | 'alpha', null> = {
  name: 'ternarize',
  infer({ w }) {
    const dtype = requireFloat('ternarize', { w });
    return { y: { dtype, shape: w.shape }, alpha: { dtype: 'f32', shape: [] } };
  },
  reference({ w }, { y, alpha }) {
    const scale = isFiniteRow(w, 0, w.length) ? absoluteMean(w) : Number.NaN;
    alpha[0] = scale;
    for (let i = 0; i < w.length; i++) y[i] = scale * roundWithin(w[i]! / scale, -1, 1);
  },
  vjp: { identity: 'w' },
};

export interface Ternarized {
  /** w's shape and dtype; every element is -alpha, 0 or alpha. */
  readonly y: Tensor;
  /** Shape [], f32, without a gradient. */
  readonly alpha: Tensor;
}

/**
 * Rounds w (any shape, f32 or bf16) to three values; the gradient of y goes to w unchanged.
 * Source: Q-Sparse (arXiv 2407.10969) §2.2, with its ε as a lower bound of alpha.
 */
export function ternarize(w: Tensor): Ternarized {
  return run(ternarizeOp, { w }, null);
}

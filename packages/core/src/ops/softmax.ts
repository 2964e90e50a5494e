/**
 * Softmax over the last dimension, with a causal mask and a sliding window where asked for. Masked entries are
 * 0; a row that sees nothing is all 0. A NaN or an infinity that is seen makes what is seen NaN.
 */
import { ShapeError, ValueError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { asRows, showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { requireFloat, requirePosition, requireRank, requireWholeNumber } from './require.ts';
import { softmaxBackward } from './softmax-backward.ts';

export interface SoftmaxAttrs {
  /** x is [..., Tq, Tk], and row i sees column j only if j <= i + p. */
  readonly causal: boolean;
  /** Columns that a row sees at most, its own included: j > i + p - window. 0: no limit. */
  readonly window: number;
}

export const softmaxOp: Op<'x', 'y', SoftmaxAttrs, 'position'> = {
  name: 'softmax',
  infer({ x, position }, { causal, window }) {
    const dtype = requireFloat('softmax', { x });
    requireRank('softmax', 'x', x.shape, causal ? 2 : 1);
    requireWholeNumber('softmax', 'window', window, 0);
    requirePosition('softmax', position);
    if (!causal && (window > 0 || position)) {
      throw new ValueError('softmax', 'window and position need a causal mask', 'pass causal: true');
    }
    if (causal && !position && x.shape.at(-2)! > x.shape.at(-1)!) {
      throw new ShapeError(
        'softmax',
        `a causal x [..., Tq, Tk] needs Tq <= Tk, got ${showShape(x.shape)}`,
        'pass the position of the first row',
      );
    }
    return { y: { dtype, shape: x.shape } };
  },
  reference({ x, position }, { y }, { causal, window }, types) {
    const { rows, width } = asRows(types.x.shape);
    const queries = causal ? types.x.shape.at(-2)! : 1;
    const start = position ? position[0]! : width - queries;
    for (let row = 0; row < rows; row++) {
      const last = (row % queries) + start;
      const end = causal ? Math.max(0, Math.min(width, last + 1)) : width;
      const begin = window > 0 ? Math.min(end, Math.max(0, last - window + 1)) : 0;
      const from = x.subarray(row * width, (row + 1) * width);
      const to = y.subarray(row * width, (row + 1) * width);
      let largest = Number.NEGATIVE_INFINITY;
      for (let j = begin; j < end; j++) largest = Math.max(largest, from[j]!);
      let sum = 0;
      for (let j = begin; j < end; j++) sum += Math.exp(from[j]! - largest);
      to.fill(0);
      for (let j = begin; j < end; j++) to[j] = Math.exp(from[j]! - largest) / sum;
    }
  },
  vjp: {
    save: ['y'],
    pull: ({ d, saved }) => ({ x: softmaxBackward(saved.y!, d.y!) }),
  },
};

/**
 * Softmax of x [..., n] over the last dimension, f32 or bf16. With `causal`, x is [..., Tq, Tk] and row i sees
 * column j if j <= i + p (and j > i + p - window when window is not 0); p is `position` (i32 [1], on the device
 * so that a captured step can move it) or else Tk - Tq.
 */
export function softmax(
  x: Tensor,
  {
    causal = false,
    window = 0,
    position,
  }: Partial<SoftmaxAttrs> & { readonly position?: Tensor | undefined } = {},
): Tensor {
  return run(softmaxOp, { x, position }, { causal, window }).y;
}

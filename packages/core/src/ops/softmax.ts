/**
 * Softmax over the last dimension, with a causal mask and a sliding window where asked for. Masked entries are
 * 0; a row that sees nothing is all 0. A NaN or an infinity that is seen makes what is seen NaN.
 */
import { ShapeError, ValueError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { asRows, type Shape, showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import {
  positionOf,
  requireFirst,
  requireFloat,
  requirePosition,
  requireRank,
  requireWholeNumber,
} from './require.ts';
import { softmaxBackward } from './softmax-backward.ts';

export interface SoftmaxAttrs {
  /** x is [..., Tq, Tk], and row i sees column j only if j <= i + p. */
  readonly causal: boolean;
  /** Columns that a row sees at most, its own included: j > i + p - window. 0: no limit. */
  readonly window: number;
}

export const softmaxOp: Op<'x', 'y', SoftmaxAttrs, 'position' | 'first'> = {
  name: 'softmax',
  infer({ x, position, first }, { causal, window }) {
    const dtype = requireFloat('softmax', { x });
    requireRank('softmax', 'x', x.shape, causal ? 2 : 1);
    requireWholeNumber('softmax', 'window', window, 0);
    if (!causal && (window > 0 || position || first)) {
      throw new ValueError('softmax', 'window, position and first need a causal mask', 'pass causal: true');
    }
    requirePosition('softmax', position, batchOf(x.shape));
    if (first && x.shape.length !== 4)
      throw new ShapeError('softmax', `with first, x must be [B, H, Tq, Tk], got ${showShape(x.shape)}`);
    requireFirst('softmax', first, x.shape[0]!, x.shape.at(-2)!);
    if (causal && !position && x.shape.at(-2)! > x.shape.at(-1)!) {
      throw new ShapeError(
        'softmax',
        `a causal x [..., Tq, Tk] needs Tq <= Tk, got ${showShape(x.shape)}`,
        'pass the position of the first row',
      );
    }
    return { y: { dtype, shape: x.shape } };
  },
  reference({ x, position, first }, { y }, { causal, window }, types) {
    const { rows, width } = asRows(types.x.shape);
    const queries = causal ? types.x.shape.at(-2)! : 1;
    const perBatch = rows / batchOf(types.x.shape);
    for (let row = 0; row < rows; row++) {
      const t = row % queries;
      const b = Math.floor(row / perBatch);
      const last = t + positionOf(position, b, width - queries);
      const end = causal ? Math.max(0, Math.min(width, last + 1)) : width;
      const nearest = window > 0 ? last - window + 1 : 0;
      const begin = Math.min(end, Math.max(0, nearest, first?.[b * queries + t] ?? 0));
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

/** B: the first dimension of x [B, ..., Tq, Tk], 1 for x [Tq, Tk]. */
const batchOf = (x: Shape): number => (x.length > 2 ? x[0]! : 1);

/**
 * Softmax of x [..., n] over the last dimension, f32 or bf16. With `causal`, x is [..., Tq, Tk] and row i sees
 * column j if j <= i + p (and j > i + p - window when window is not 0); p is `position` (i32, on the device so that a
 * captured step can move it: [1], or [B] with one for each entry of x's first dimension) or else Tk - Tq. With `first`
 * (i32 [B, Tq], x [B, H, Tq, Tk]) also j >= first[b, i]. Throws DTypeError, ShapeError and ValueError for what does not fit.
 */
export function softmax(
  x: Tensor,
  {
    causal = false,
    window = 0,
    position,
    first,
  }: Partial<SoftmaxAttrs> & {
    readonly position?: Tensor | undefined;
    readonly first?: Tensor | undefined;
  } = {},
): Tensor {
  return run(softmaxOp, { x, position, first }, { causal, window }).y;
}

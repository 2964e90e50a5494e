/**
 * Reductions and their mirror, broadcast. The two share a file because each is the other's gradient: what one
 * sums, the other repeats.
 */
import { ShapeError, TapeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { asRows, isSuffix, type Shape, sameShape, showShape, sizeOf } from '../shape.ts';
import { reshape, type Tensor } from '../tensor.ts';
import { requireFloat, requireRank } from './require.ts';
import { scale } from './scale.ts';

/** `last`: [..., n] to [...]. `leading`: [..., n] to [n]. `all`: to []. */
export type ReduceOver = 'last' | 'leading' | 'all';

export interface ReduceAttrs {
  readonly kind: 'sum' | 'mean' | 'max';
  readonly over: ReduceOver;
}

export const reduceOp: Op<'x', 'y', ReduceAttrs> = {
  name: 'reduce',
  infer({ x }, { kind, over }) {
    const dtype = requireFloat(kind, { x });
    if (over === 'all') return { y: { dtype, shape: [] } };
    requireRank(kind, 'x', x.shape, 1);
    return { y: { dtype, shape: over === 'last' ? x.shape.slice(0, -1) : x.shape.slice(-1) } };
  },
  reference({ x }, { y }, { kind, over }, types) {
    const { width } = asRows(types.x.shape);
    // Element j of group i is x[i · outer + j · inner].
    const count = x.length / y.length;
    const [outer, inner] = over === 'leading' ? [1, width] : [count, 1];
    for (let i = 0; i < y.length; i++) {
      let sum = 0;
      let largest = Number.NEGATIVE_INFINITY;
      for (let j = 0; j < count; j++) {
        const element = x[i * outer + j * inner]!;
        sum += element;
        largest = Math.max(largest, element);
      }
      y[i] = kind === 'max' ? largest : kind === 'mean' ? sum / count : sum;
    }
  },
  vjp: {
    save: [],
    pull({ d, types, attrs: { kind, over } }) {
      if (kind === 'max') {
        throw new TapeError('max', 'the maximum has no gradient rule', 'compute it inside noGrad()');
      }
      const count = sizeOf(types.x.shape) / sizeOf(types.y.shape);
      const each = kind === 'mean' ? scale(d.y!, 1 / count) : d.y!;
      return { x: broadcast(each, types.x.shape, over === 'last' ? 'last' : 'leading') };
    },
  },
};

export interface BroadcastAttrs {
  readonly shape: Shape;
  /** `leading`: x has the last dimensions of `shape`. `last`: x has all dimensions of `shape` but the last. */
  readonly along: 'leading' | 'last';
}

export const broadcastOp: Op<'x', 'y', BroadcastAttrs> = {
  name: 'broadcast',
  infer({ x }, { shape, along }) {
    const dtype = requireFloat('broadcast', { x });
    const fits =
      along === 'last'
        ? shape.length > 0 && sameShape(x.shape, shape.slice(0, -1))
        : isSuffix(x.shape, shape);
    if (!fits) {
      const part = along === 'last' ? 'all dimensions but the last' : 'the last dimensions';
      throw new ShapeError(
        'broadcast',
        `x must have ${part} of ${showShape(shape)}, got ${showShape(x.shape)}`,
        'reshape x first',
      );
    }
    return { y: { dtype, shape } };
  },
  reference({ x }, { y }, { along }) {
    const repeats = y.length / x.length;
    for (let i = 0; i < y.length; i++) y[i] = x[along === 'last' ? Math.floor(i / repeats) : i % x.length]!;
  },
  vjp: {
    save: [],
    pull: ({ d, types, attrs }) => ({
      x: attrs.along === 'last' ? sum(d.y!, 'last') : sumTo(d.y!, types.x.shape),
    }),
  },
};

/** Sum of x [..., n] in at least float32: over everything to [], over `last` to [...], over `leading` to [n]. */
export function sum(x: Tensor, over: ReduceOver = 'all'): Tensor {
  return run(reduceOp, { x }, { kind: 'sum', over }).y;
}

/** Arithmetic mean of x [..., n]; shapes as for sum. */
export function mean(x: Tensor, over: ReduceOver = 'all'): Tensor {
  return run(reduceOp, { x }, { kind: 'mean', over }).y;
}

/** Maximum of x [..., n], NaN where there is one; shapes as for sum. It has no gradient: `backward` through it throws. */
export function max(x: Tensor, over: ReduceOver = 'all'): Tensor {
  return run(reduceOp, { x }, { kind: 'max', over }).y;
}

/** Repeats x into `shape`: over new leading dimensions, or (`last`) along a new last dimension. */
export function broadcast(x: Tensor, shape: Shape, along: 'leading' | 'last' = 'leading'): Tensor {
  return run(broadcastOp, { x }, { shape, along }).y;
}

/** Sums x over its leading dimensions down to `shape`, a suffix of its own or a single element. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const size = sizeOf(shape);
  if (size === x.size) return reshape(x, shape);
  if (size === 1) return reshape(sum(x), shape);
  return reshape(sum(reshape(x, [x.size / size, size]), 'leading'), shape);
}

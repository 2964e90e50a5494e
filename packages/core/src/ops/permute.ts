/** Dimensions in another order, copied: y.shape[i] = x.shape[order[i]]. A matmul needs none: it has transpose flags. */
import { ShapeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { showShape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { requireUnpacked } from './require.ts';

export interface PermuteAttrs {
  /** Which dimension of x each dimension of y is. */
  readonly order: readonly number[];
}

/** What kernels index with, at most. */
const MAX_RANK = 5;

export const permuteOp: Op<'x', 'y', PermuteAttrs> = {
  name: 'permute',
  moves: true,
  infer({ x }, { order }) {
    requireUnpacked('permute', 'x', x);
    const rank = x.shape.length;
    if (rank < 2 || rank > MAX_RANK) {
      throw new ShapeError(
        'permute',
        `x needs 2 to ${MAX_RANK} dimensions, got ${showShape(x.shape)}`,
        'reshape it to join dimensions that stay together',
      );
    }
    const sorted = [...order].sort((a, b) => a - b);
    if (order.length !== rank || sorted.some((axis, i) => axis !== i)) {
      throw new ShapeError(
        'permute',
        `order must name each of the ${rank} dimensions of ${showShape(x.shape)} once, got ${showShape(order)}`,
      );
    }
    return { y: { dtype: x.dtype, shape: order.map((axis) => x.shape[axis]!) } };
  },
  reference({ x }, { y }, { order }, types) {
    const shape = types.y.shape;
    const strides = order.map((axis) => sizeOf(types.x.shape.slice(axis + 1)));
    for (let i = 0; i < y.length; i++) {
      let rest = i;
      let from = 0;
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        from += (rest % shape[axis]!) * strides[axis]!;
        rest = Math.floor(rest / shape[axis]!);
      }
      y[i] = x[from]!;
    }
  },
  vjp: {
    save: [],
    pull: ({ d, attrs: { order } }) => ({
      x: permute(
        d.y!,
        order.map((_, axis) => order.indexOf(axis)),
      ),
    }),
  },
};

/** x with dimension order[i] at place i, as new memory; 2 to 5 dimensions, any dtype but ternary. */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  return run(permuteOp, { x }, { order }).y;
}

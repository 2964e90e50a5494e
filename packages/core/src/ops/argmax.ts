/** Where the largest entry of each row is: the first of equals; NaN counts as the largest of all. No gradient. */
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { asRows } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { requireFloat, requireRank } from './require.ts';

export const argmaxOp: Op<'x', 'y', null> = {
  name: 'argmax',
  infer({ x }) {
    requireFloat('argmax', { x });
    requireRank('argmax', 'x', x.shape, 1);
    return { y: { dtype: 'i32', shape: x.shape.slice(0, -1) } };
  },
  reference({ x }, { y }, _attrs, types) {
    const { rows, width } = asRows(types.x.shape);
    for (let row = 0; row < rows; row++) {
      let best = 0;
      for (let j = 1; j < width; j++) {
        const element = x[row * width + j]!;
        const largest = x[row * width + best]!;
        if (element > largest || (Number.isNaN(element) && !Number.isNaN(largest))) best = j;
      }
      y[row] = best;
    }
  },
};

/** x [..., n] to i32 [...]: the index of the first maximum of each row; of the first NaN, if there is one. */
export function argmax(x: Tensor): Tensor {
  return run(argmaxOp, { x }, null).y;
}

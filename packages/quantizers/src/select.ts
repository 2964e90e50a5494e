/** The mask of exact selection as an op: which entries of each row (or block) are the k largest in magnitude. */
import { asRows, type Op, requireFloat, requireRank, run, type Tensor } from '@qsparse/core';
import { isFiniteRow } from './finite.ts';
import { markLargest, requireSelection, type Selection } from './selection.ts';

/**
 * mask has x's dtype and shape, 0 and 1: exactly k ones in each row (or block), ties to the lowest index. A row with
 * NaN or infinity has a mask of NaN. No gradient.
 */
export const selectOp: Op<'x', 'mask', Selection> = {
  name: 'select',
  infer({ x }, attrs) {
    const dtype = requireFloat('select', { x });
    requireRank('select', 'x', x.shape, 1);
    requireSelection('select', attrs, asRows(x.shape).width);
    return { mask: { dtype, shape: x.shape } };
  },
  reference({ x }, { mask }, { k, block }, types) {
    const { width } = asRows(types.x.shape);
    const length = block || width;
    mask.fill(0);
    for (let row = 0; row < x.length; row += width) {
      if (!isFiniteRow(x, row, width)) mask.fill(Number.NaN, row, row + width);
      else for (let at = row; at < row + width; at += length) markLargest(x, at, length, k, mask);
    }
  },
};

/**
 * The mask [..., n] of the `k` largest |x| in each row of x [..., n] (f32 or bf16), or in each `block` of a row.
 *
 * @throws ValueError for k out of range, ShapeError for a block that does not divide the row.
 */
export function select(x: Tensor, { k, block = 0 }: { readonly k: number; readonly block?: number }): Tensor {
  return run(selectOp, { x }, { k, block }).mask;
}

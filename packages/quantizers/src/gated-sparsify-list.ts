/**
 * What `gatedSparsify` lets through, at once as the list that decoding multiplies with (compact.ts): the middle of a gated
 * feed-forward never writes a dense row. No gradient.
 */
import { type FusedOp, requireFloat, requireGated, run, type Tensor, type Type } from '@qsparse/core';
import type { ChannelList } from './compact.ts';
import { type GatedSparsifyOptions, gatedSparsifyOp } from './gated-sparsify.ts';
import { type GatedSparsifyAttrs, gatedShape } from './gated-sparsify-backward.ts';
import { sparsifyAttrs, sparsifyTypes } from './sparsify-attrs.ts';
import { listOf, listRows, listTypes } from './sparsify-list.ts';

/**
 * x [..., 2f] (f32 or bf16) and the norm's weight [f] as gated-sparsify's → indices i32 [..., K], values f32 or (int8) i8
 * [..., K], count i32 [...], scale f32 [...] with int8, as sparsify-list's: compact(gatedSparsify(x), k: K, int8). Where all is
 * kept without int8 and norm a NaN stays where it is, else it makes the whole row NaN.
 */
export const gatedSparsifyListOp: FusedOp<
  'x',
  'indices' | 'values' | 'count' | 'scale',
  GatedSparsifyAttrs,
  'weight'
> = {
  name: 'gated-sparsify-list',
  infer({ x, weight }, attrs) {
    const h = gatedType(x);
    requireGated('gated-sparsify-list', h, h, attrs);
    sparsifyTypes('gated-sparsify-list', h, weight, attrs);
    return listTypes(h, attrs);
  },
  reference({ x, weight }, outs, attrs, types) {
    const h = gatedType(types.x);
    const selected = sparsifyTypes('gated-sparsify-list', h, types.weight, attrs);
    const [y, inverseRms] = [new Float64Array(x.length / 2), new Float64Array(outs.count.length)];
    gatedSparsifyOp.reference({ x, weight }, { y, inverseRms }, attrs, { ...types, ...selected });
    listRows(y, h, outs, attrs);
  },
  composite({ x, weight }, attrs) {
    return listOf(run(gatedSparsifyOp, { x, weight }, attrs).y, attrs);
  },
};

function gatedType(x: Type): Type {
  const dtype = requireFloat('gated-sparsify-list', { x });
  return { dtype, shape: gatedShape('gated-sparsify-list', x.shape) };
}

/**
 * What `gatedSparsify(x, options)` keeps of each row of x [..., 2f], as lists of the length that the selection keeps.
 *
 * @throws what `gatedSparsify` throws.
 */
export function gatedSparsifyList(x: Tensor, options: GatedSparsifyOptions): ChannelList {
  const width = gatedShape('gated-sparsify-list', x.shape).at(-1)!;
  const attrs = { ...sparsifyAttrs('gated-sparsify-list', options, width), kind: options.kind };
  return run(gatedSparsifyListOp, { x, weight: options.weight }, attrs);
}

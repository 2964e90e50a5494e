/**
 * What `sparsify` lets through, at once as the list that decoding multiplies with (compact.ts), so that a token's inputs
 * are read once and the dense row is never written. No gradient.
 */
import { asRows, type FusedOp, requireFloat, roundTo, run, type Tensor, type Type } from '@qsparse/core';
import { type ChannelList, compact, compactOp } from './compact.ts';
import { sparsifyOp } from './sparsify.ts';
import { type SparsifyAttrs, type SparsifyOptions, sparsifyAttrs, sparsifyTypes } from './sparsify-attrs.ts';

type ListOutputs = 'indices' | 'values' | 'count' | 'scale';

/**
 * x [..., n] (f32 or bf16) and the norm's weight [n] as sparsify's → indices i32 [..., K], values f32 or (int8) i8 [..., K],
 * count i32 [...], scale f32 [...] with int8: compact(sparsify(x), k: K, int8), with K = k, or k of each block together. `ste`
 * means nothing here. count is below K where zeros are kept, or what rounds to level 0. A row whose h holds NaN or infinity
 * lists its first K channels: values NaN, or codes 0 with scale NaN.
 */
export const sparsifyListOp: FusedOp<'x', ListOutputs, SparsifyAttrs, 'weight'> = {
  name: 'sparsify-list',
  infer({ x, weight }, attrs) {
    requireFloat('sparsify-list', { x });
    sparsifyTypes('sparsify-list', x, weight, attrs);
    return listTypes(x, attrs);
  },
  reference({ x, weight }, outs, attrs, types) {
    const y = new Float64Array(x.length);
    const inverseRms = new Float64Array(asRows(types.x.shape).rows);
    const selected = sparsifyTypes('sparsify-list', types.x, types.weight, attrs);
    sparsifyOp.reference({ x, weight }, { y, inverseRms }, attrs, { ...types, ...selected });
    listRows(y, types.x, outs, attrs);
  },
  composite({ x, weight }, attrs) {
    return listOf(run(sparsifyOp, { x, weight }, attrs).y, attrs);
  },
};

type Selecting = Pick<SparsifyAttrs, 'k' | 'block' | 'int8'>;

/** Places of a list of rows of `width` entries: those that the selection keeps. */
function listLength({ k, block }: Selecting, width: number): number {
  return block ? k * (width / block) : k;
}

/** The outputs for rows like those of h, which the selection fits. */
export function listTypes(h: Type, attrs: Selecting): Record<ListOutputs, Type> {
  return compactOp.infer({ x: h }, { k: listLength(attrs, h.shape.at(-1)!), int8: attrs.int8 });
}

/** The lists of selected rows, which are rounded here as memory of their dtype holds them. */
export function listRows(
  selected: Float64Array,
  { dtype, shape }: Type,
  outs: Record<ListOutputs, Float64Array>,
  attrs: Selecting,
): void {
  const x: Type = { dtype, shape };
  roundTo(dtype, selected);
  const options = { k: listLength(attrs, shape.at(-1)!), int8: attrs.int8 };
  compactOp.reference({ x: selected }, outs, options, { x, ...listTypes(x, attrs) });
}

/** The lists of a tensor of selected rows. */
export function listOf(selected: Tensor, attrs: Selecting): Record<ListOutputs, Tensor> {
  const k = listLength(attrs, selected.shape.at(-1)!);
  return compact(selected, { k, int8: attrs.int8 }) as Record<ListOutputs, Tensor>;
}

/**
 * What `sparsify(x, options)` keeps of each row of x [..., n], as lists of the length that the selection keeps: with `int8`
 * integers with a scale.
 *
 * @throws what `sparsify` throws.
 */
export function sparsifyList(x: Tensor, options: SparsifyOptions = {}): ChannelList {
  const attrs = sparsifyAttrs('sparsify-list', options, asRows(x.shape).width);
  return run(sparsifyListOp, { x, weight: options.weight }, attrs);
}

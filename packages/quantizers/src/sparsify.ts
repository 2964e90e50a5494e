/**
 * What a Q-Sparse site does to its input, as one op: normalise (or not), select, quantise (or not). The result has
 * the shape of x with zeros where nothing was selected; the matrix product after it stays dense.
 *
 * With h = x, or rmsNorm(x, weight): y = h · mask, or quantizeInt8(h) · mask, where the mask is selected from h before
 * rounding to int8. Source: Q-Sparse (arXiv 2407.10969) §2.1 and 2.2.
 *
 * In bf16 one answer is right, the composite's: h is the norm's result rounded to bf16, and the mask, the row's largest
 * magnitude and the int8 levels are those of the rounded h. Entries that are equal after the rounding are ties.
 */
import {
  asRows,
  multiply,
  type Op,
  onlyGradient,
  requireFloat,
  rmsNorm,
  rmsNormBackwardOp,
  rmsNormOp,
  roundTo,
  run,
  type Tensor,
  ValueError,
} from '@qsparse/core';
import { quantizeInt8, quantizeRow } from './quantize-int8.ts';
import { select, selectOp } from './select.ts';
import {
  keepsEverything,
  type SparsifyAttrs,
  type SparsifyOptions,
  sparsifyAttrs,
  sparsifyTypes,
} from './sparsify-attrs.ts';

type SparsifyOp = Op<'x', 'y' | 'inverseRms', SparsifyAttrs, 'weight'>;

/**
 * Exactly k entries of each row (or block) stay, ties to the lowest index. A row whose h holds NaN or infinity becomes
 * NaN. inverseRms [rows] is there when `normalize` is. `weight` [n] is of x's dtype, or f32.
 */
export const sparsifyOp: SparsifyOp = {
  name: 'sparsify',
  infer({ x, weight }, attrs) {
    requireFloat('sparsify', { x });
    return sparsifyTypes('sparsify', x, weight, attrs);
  },
  reference({ x, weight }, { y, inverseRms }, attrs, types) {
    const h = x.slice();
    if (attrs.normalize) {
      const parts = { x: types.x, y: types.y, inverseRms: types.inverseRms };
      rmsNormOp.reference({ x, weight }, { y: h, inverseRms }, attrs, parts);
      roundTo(types.x.dtype, h);
    }
    const mask = new Float64Array(h.length);
    selectOp.reference({ x: h }, { mask }, attrs, { x: types.x, mask: types.x });
    const { width } = asRows(types.x.shape);
    if (attrs.int8) for (let first = 0; first < h.length; first += width) quantizeRow(h, first, width, h);
    // Not a product: what is dropped is +0 here, whatever its sign.
    for (let i = 0; i < h.length; i++) y[i] = mask[i] === 0 ? 0 : h[i]! * mask[i]!;
  },
  vjp: {
    save: ['x', 'weight', 'inverseRms'],
    pull({ d, saved, attrs, into }) {
      const { x, weight, inverseRms } = saved as { x: Tensor; weight?: Tensor; inverseRms?: Tensor };
      const dy = onlyGradient('sparsify', d, 'y');
      const dh = attrs.ste
        ? dy
        : multiply(dy, select(attrs.normalize ? rmsNorm(x, weight, attrs) : x, attrs));
      if (!inverseRms) return { x: dh };
      const { dx, dWeight } = run(
        rmsNormBackwardOp,
        { dy: dh, x, weight, inverseRms, intoX: into('x'), intoWeight: into('weight') },
        null,
      );
      return { x: dx, ...(weight && { weight: dWeight }) };
    },
  },
  composite({ x, weight }, attrs) {
    const normed = attrs.normalize ? run(rmsNormOp, { x, weight }, { epsilon: attrs.epsilon }) : undefined;
    const h = normed?.y ?? x;
    const y = multiply(attrs.int8 ? quantizeInt8(h) : h, select(h, attrs));
    return { y, ...(normed && { inverseRms: normed.inverseRms }) } as Record<'y' | 'inverseRms', Tensor>;
  },
};

/**
 * The same op and kernel for `ste` without `normalize`: its gradient is the identity, so that the tape saves nothing
 * and the reverse sweep runs nothing.
 */
export const sparsifyStraightThroughOp: SparsifyOp = {
  ...sparsifyOp,
  infer(ins, attrs) {
    if (!attrs.ste || attrs.normalize) {
      throw new ValueError('sparsify', 'the identity gradient needs ste and no norm', 'run sparsifyOp');
    }
    return sparsifyOp.infer(ins, attrs);
  },
  vjp: { identity: 'x' },
};

/**
 * y [..., n]: x [..., n] (f32 or bf16), normalised if asked, with all but exactly k entries of each row (or block) set
 * to zero, and what stays rounded to int8 levels if asked. Keeping all without int8 is the plain norm, or x itself.
 *
 * @throws ValueError for k or keep out of range or both given, or a weight without a norm; ShapeError for a block that
 * does not divide the row or a weight of another length; DTypeError.
 */
export function sparsify(x: Tensor, options: SparsifyOptions = {}): Tensor {
  const { width } = asRows(x.shape);
  const { weight } = options;
  const attrs = sparsifyAttrs('sparsify', options, width);
  if (keepsEverything(attrs, width)) {
    sparsifyOp.infer({ x, weight }, attrs);
    return attrs.normalize ? rmsNorm(x, weight, attrs) : x;
  }
  const { ste, normalize } = attrs;
  return run(ste && !normalize ? sparsifyStraightThroughOp : sparsifyOp, { x, weight }, attrs).y;
}

/**
 * What a Q-Sparse site does to its input, as one op: normalise (or not), select, quantise (or not). The result has
 * the shape of x with zeros where nothing was selected; the matrix product after it stays dense.
 *
 * With h = x, or rmsNorm(x, weight): y = h · mask, or quantizeInt8(h) · mask, where the mask is selected from h before
 * rounding. Source: Q-Sparse (arXiv 2407.10969) §2.1 and 2.2.
 */
import {
  asRows,
  multiply,
  type Op,
  onlyGradient,
  requireFloat,
  requireRank,
  requireSameShape,
  rmsNorm,
  rmsNormBackwardOp,
  rmsNormOp,
  run,
  type Tensor,
  type Type,
  ValueError,
} from '@qsparse/core';
import { quantizeInt8, quantizeRow } from './quantize-int8.ts';
import { select, selectOp } from './select.ts';
import { keepCount, requireSelection, type Selection } from './selection.ts';

export interface SparsifyAttrs extends Selection {
  /** Round the kept entries to int8 levels of their row. */
  readonly int8: boolean;
  /** Straight through: the gradient ignores mask and rounding. Else it keeps the mask, and ignores rounding. */
  readonly ste: boolean;
  /** RMSNorm first. */
  readonly normalize: boolean;
  /** Of the norm. */
  readonly epsilon: number;
}

type SparsifyOp = Op<'x', 'y' | 'inverseRms', SparsifyAttrs, 'weight'>;

/**
 * Exactly k entries of each row (or block) stay, ties to the lowest index. A row whose h holds NaN or infinity becomes
 * NaN. inverseRms [rows] is there when `normalize` is.
 */
export const sparsifyOp: SparsifyOp = {
  name: 'sparsify',
  infer({ x, weight }, attrs) {
    const dtype = requireFloat('sparsify', { x, weight });
    requireRank('sparsify', 'x', x.shape, 1);
    const { rows, width } = asRows(x.shape);
    requireSelection('sparsify', attrs, width);
    if (weight) requireSameShape('sparsify', 'weight', weight.shape, [width]);
    requireNorm(attrs, weight);
    const outs: Partial<Record<'y' | 'inverseRms', Type>> = {
      y: { dtype, shape: x.shape },
      ...(attrs.normalize && { inverseRms: { dtype: 'f32', shape: [rows] } }),
    };
    return outs as Record<'y' | 'inverseRms', Type>;
  },
  reference({ x, weight }, { y, inverseRms }, attrs, types) {
    const h = x.slice();
    if (attrs.normalize) {
      const parts = { x: types.x, y: types.y, inverseRms: types.inverseRms };
      rmsNormOp.reference({ x, weight }, { y: h, inverseRms }, attrs, parts);
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

export interface SparsifyOptions {
  /** Entries that stay in each row, or in each block. Default: all. */
  readonly k?: number | undefined;
  /** The share that stays, above 0 to 1, instead of k: K = floor(keep · n + 1e-9), at least 1. */
  readonly keep?: number | undefined;
  /** Block length; it divides the row's. 0 (default): the whole row is one block. */
  readonly block?: number | undefined;
  /** Round what stays to int8 levels of its row. Default false. */
  readonly int8?: boolean | undefined;
  /** Straight-through gradient (default); false keeps the mask in the gradient, the ablation of the paper. */
  readonly ste?: boolean | undefined;
  /** RMSNorm before selecting. Default: when `weight` is given. */
  readonly normalize?: boolean | undefined;
  /** The norm's weight [n], x's dtype. */
  readonly weight?: Tensor | undefined;
  /** Of the norm. Default 1e-6, as in rmsNorm. */
  readonly epsilon?: number | undefined;
}

/**
 * y [..., n]: x [..., n] (f32 or bf16), normalised if asked, with all but exactly k entries of each row (or block) set
 * to zero, and what stays rounded to int8 levels if asked. Keeping all without int8 is the plain norm, or x itself.
 *
 * @throws ValueError for k or keep out of range or both given, or a weight without a norm; ShapeError for a block that
 * does not divide the row or a weight of another length; DTypeError.
 */
export function sparsify(x: Tensor, options: SparsifyOptions = {}): Tensor {
  const { block = 0, int8 = false, ste = true, weight, epsilon = 1e-6 } = options;
  const { normalize = weight !== undefined } = options;
  const { width } = asRows(x.shape);
  const attrs = { k: keptOf(options, block || width), block, int8, ste, normalize, epsilon };
  if (attrs.k === (block || width) && !int8) {
    sparsifyOp.infer({ x, weight }, attrs);
    return normalize ? rmsNorm(x, weight, { epsilon }) : x;
  }
  return run(ste && !normalize ? sparsifyStraightThroughOp : sparsifyOp, { x, weight }, attrs).y;
}

function keptOf({ k, keep }: SparsifyOptions, length: number): number {
  if (keep === undefined) return k ?? length;
  if (k !== undefined) {
    throw new ValueError('sparsify', `takes k or keep, got both: ${k} and ${keep}`, 'leave one out');
  }
  if (!(keep > 0 && keep <= 1)) {
    throw new ValueError(
      'sparsify',
      `keep must be above 0 and at most 1, got ${keep}`,
      'pass the share that stays',
    );
  }
  return keepCount(1 - keep, length);
}

function requireNorm({ normalize, epsilon }: SparsifyAttrs, weight: Type | undefined): void {
  if (weight && !normalize) {
    throw new ValueError('sparsify', 'weight belongs to the norm, got it with normalize: false', 'drop one');
  }
  if (normalize && !(epsilon > 0 && Number.isFinite(epsilon))) {
    throw new ValueError('sparsify', `epsilon must be finite and more than 0, got ${epsilon}`);
  }
}

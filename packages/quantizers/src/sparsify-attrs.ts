/**
 * What sparsify and gated-sparsify share before anything runs: their attributes, the options that these are made
 * from, and the checks of both. What the ops mean is in their own files.
 */
import {
  asRows,
  requireF32Or,
  requireRank,
  requireSameShape,
  type Tensor,
  type Type,
  ValueError,
} from '@qsparse/core';
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
  /** The norm's weight [n], x's dtype or f32. */
  readonly weight?: Tensor | undefined;
  /** Of the norm. Default 1e-6, as in rmsNorm. */
  readonly epsilon?: number | undefined;
}

/** Attributes for rows of `width` entries, with the defaults filled in. Only k and keep are checked here. */
export function sparsifyAttrs(where: string, options: SparsifyOptions, width: number): SparsifyAttrs {
  const { block = 0, int8 = false, ste = true, weight, epsilon = 1e-6 } = options;
  const { normalize = weight !== undefined } = options;
  return { k: keptOf(where, options, block || width), block, int8, ste, normalize, epsilon };
}

/** Whether nothing is left to do but the norm, if any: every entry stays as it is. */
export function keepsEverything({ k, block, int8 }: SparsifyAttrs, width: number): boolean {
  return k === (block || width) && !int8;
}

/** The outputs for `h`, what is selected from. Throws for anything that does not fit. */
export function sparsifyTypes(
  where: string,
  h: Type,
  weight: Type | undefined,
  attrs: SparsifyAttrs,
): Record<'y' | 'inverseRms', Type> {
  requireRank(where, 'x', h.shape, 1);
  const { rows, width } = asRows(h.shape);
  requireSelection(where, attrs, width);
  requireF32Or(where, 'weight', weight, h.dtype);
  if (weight) requireSameShape(where, 'weight', weight.shape, [width]);
  requireNorm(where, attrs, weight);
  const outs: Partial<Record<'y' | 'inverseRms', Type>> = {
    y: { dtype: h.dtype, shape: h.shape },
    ...(attrs.normalize && { inverseRms: { dtype: 'f32', shape: [rows] } }),
  };
  return outs as Record<'y' | 'inverseRms', Type>;
}

function requireNorm(where: string, { normalize, epsilon }: SparsifyAttrs, weight: Type | undefined): void {
  if (weight && !normalize) {
    throw new ValueError(where, 'weight belongs to the norm, got it with normalize: false', 'drop one');
  }
  if (normalize && !(epsilon > 0 && Number.isFinite(epsilon))) {
    throw new ValueError(where, `epsilon must be finite and more than 0, got ${epsilon}`);
  }
}

function keptOf(where: string, { k, keep }: SparsifyOptions, length: number): number {
  if (keep === undefined) return k ?? length;
  if (k !== undefined) {
    throw new ValueError(where, `takes k or keep, got both: ${k} and ${keep}`, 'leave one out');
  }
  if (!(keep > 0 && keep <= 1)) {
    throw new ValueError(
      where,
      `keep must be above 0 and at most 1, got ${keep}`,
      'pass the share that stays',
    );
  }
  return keepCount(1 - keep, length);
}

/** What the attention ops share: attributes, the sizes that four-dimensional shapes must agree on, visibility. */
import { ShapeError } from '../errors.ts';
import { type Shape, sameShape, showShape } from '../shape.ts';
import { requireFinite, requireWholeNumber } from './require.ts';

export interface AttentionAttrs {
  /** Factor of q · k before the softmax, usually 1 / sqrt(D). */
  readonly scale: number;
  /** How many keys a query sees at most, its own included; 0 for all up to its own. */
  readonly window: number;
}

export interface AttentionSizes {
  readonly batch: number;
  /** T, how many queries; S, how many keys. */
  readonly queries: number;
  readonly keys: number;
  /** H query heads share G key-value heads, H / G of them each. */
  readonly heads: number;
  readonly groups: number;
  /** D, the size of a head. */
  readonly width: number;
}

/** Checks q [B, T, H, D], k [B, S, G, D] and v like k against each other. */
export function attentionSizes(where: string, q: Shape, k: Shape, v: Shape): AttentionSizes {
  if (q.length !== 4 || k.length !== 4) {
    throw new ShapeError(
      where,
      `q must be [B, T, H, D] and k [B, S, G, D], got ${showShape(q)} and ${showShape(k)}`,
    );
  }
  if (!sameShape(k, v)) {
    throw new ShapeError(where, `k and v must have one shape, got ${showShape(k)} and ${showShape(v)}`);
  }
  const [batch, queries, heads, width] = q as [number, number, number, number];
  const [batchK, keys, groups, widthK] = k as [number, number, number, number];
  if (batch !== batchK || width !== widthK) {
    throw new ShapeError(
      where,
      `q and k must have one batch and head size, got ${showShape(q)} and ${showShape(k)}`,
    );
  }
  if (heads % groups !== 0) {
    throw new ShapeError(
      where,
      `query heads must be a multiple of key-value heads, got ${heads} and ${groups}`,
      'repeat or drop heads',
    );
  }
  if (queries > keys) {
    throw new ShapeError(
      where,
      `there must be at least as many keys as queries, got ${keys} and ${queries}`,
      'append the keys of these tokens to the cache first',
    );
  }
  return { batch, queries, keys, heads, groups, width };
}

export function requireAttentionAttrs(where: string, { scale, window }: AttentionAttrs): void {
  requireFinite(where, 'scale', scale);
  requireWholeNumber(where, 'window', window, 0);
}

/** The keys [begin, end) that the query at position `at` sees, none before `first`; none when `end <= begin`. */
export function visibleKeys(
  at: number,
  keys: number,
  window: number,
  first = 0,
): { begin: number; end: number } {
  const begin = Math.max(0, first, window === 0 ? 0 : at - window + 1);
  return { begin, end: Math.min(keys, at + 1) };
}

/**
 * Exact selection on host arrays: the K entries of largest magnitude in each row, or in each block of a row. Ties go
 * to the lowest index. Approximate selectors are in threshold-selection.ts.
 */
import { ShapeError, ValueError } from '@qsparse/core';
import { requireFinite } from './finite.ts';

/** What to keep of a row. */
export interface Selection {
  /** Entries kept in each row, or in each block: 1 to the row's (block's) length. */
  readonly k: number;
  /** Block length; it divides the row's. 0: the whole row is one block. */
  readonly block: number;
}

/**
 * K = floor((1 − sparsity) · n + 1e-9), at least 1: how many of `n` entries stay. The 1e-9 makes 0.9 of 10 keep 1,
 * which plain float64 arithmetic would miss. `sparsity` is from 0 up to, not including, 1; else ValueError.
 */
export function keepCount(sparsity: number, n: number): number {
  if (!(sparsity >= 0 && sparsity < 1)) {
    throw new ValueError(
      'keepCount',
      `sparsity must be at least 0 and below 1, got ${sparsity}`,
      'pass the share that is dropped: 0.6 keeps 40 %',
    );
  }
  if (!(Number.isInteger(n) && n >= 1)) {
    throw new ValueError('keepCount', `n must be a whole number of at least 1, got ${n}`);
  }
  return Math.max(1, Math.floor((1 - sparsity) * n + 1e-9));
}

/** Throws unless the selection fits rows of `width` entries. */
export function requireSelection(where: string, { k, block }: Selection, width: number): void {
  if (!(Number.isInteger(block) && block >= 0)) {
    throw new ValueError(where, `block must be a whole number, 0 for the whole row, got ${block}`);
  }
  if (block > 0 && width % block !== 0) {
    throw new ShapeError(
      where,
      `block must divide the row of ${width} entries, got ${block}`,
      'choose a divisor, or 0 for the whole row',
    );
  }
  const length = block || width;
  if (!(Number.isInteger(k) && k >= 1 && k <= length)) {
    throw new ValueError(
      where,
      `k must be a whole number from 1 to ${length}, the length of the ${block ? 'block' : 'row'}, got ${k}`,
      'keepCount() gives k for a sparsity',
    );
  }
}

/**
 * Marks what stays: 1 for the `k` largest |x| of each row (or block), 0 for the rest. Exactly k ones, whatever the
 * ties. `x` is row-major with rows of `width` entries.
 *
 * @throws ShapeError for a `width` that does not divide x or a `block` that does not divide the row, ValueError for k
 * out of range, NonFiniteError for NaN or infinity.
 */
export function selectMask(
  x: ArrayLike<number>,
  width: number,
  { k, block = 0 }: { readonly k: number; readonly block?: number },
): Uint8Array {
  requireRows('selectMask', x, width);
  requireSelection('selectMask', { k, block }, width);
  requireFinite('selectMask', x);
  const mask = new Uint8Array(x.length);
  const length = block || width;
  for (let first = 0; first < x.length; first += length) markLargest(x, first, length, k, mask);
  return mask;
}

/** Throws unless `x` is whole rows of `width` entries. */
export function requireRows(where: string, x: ArrayLike<number>, width: number): void {
  if (Number.isInteger(width) && width >= 1 && x.length % width === 0) return;
  throw new ShapeError(where, `x must be rows of ${width} entries, got ${x.length} entries`);
}

/** Writes 1 at the k largest |x| of `length` entries from `first`, and leaves the rest of `mask` as it is. */
export function markLargest(
  x: ArrayLike<number>,
  first: number,
  length: number,
  k: number,
  mask: { [index: number]: number },
): void {
  const magnitudes = Float64Array.from({ length }, (_, i) => Math.abs(x[first + i]!));
  const smallestKept = magnitudes.slice().sort()[length - k]!;
  let equals = k;
  for (const magnitude of magnitudes) if (magnitude > smallestKept) equals--;
  for (let i = 0; i < length; i++) {
    // What is above stays; of what is equal, the first ones fill up to exactly k.
    const stays = magnitudes[i]! > smallestKept || (magnitudes[i] === smallestKept && equals-- > 0);
    if (stays) mask[first + i] = 1;
  }
}

/** How sparse the masked output of a site really is. Host side and on demand: a step that does not ask pays nothing. */
import { ShapeError } from '@qsparse/core';
import { requireRows } from './selection.ts';

export interface SparsityStatistics {
  /** Share of exact zeros, 0 to 1. At least 1 − K/n: kept entries can be zero too, or be rounded to it. */
  readonly sparsity: number;
  /** Effective K: entries that are not zero, per row. */
  readonly meanActive: number;
  readonly fewestActive: number;
  readonly mostActive: number;
  readonly rows: number;
}

/**
 * Counts zeros in `y`, row-major with rows of `width` entries: `sparsityStatistics(await y.data(), y.shape.at(-1)!)`.
 * NaN is not zero, so it counts as active. Throws ShapeError when y is empty or not whole rows.
 */
export function sparsityStatistics(y: ArrayLike<number>, width: number): SparsityStatistics {
  requireRows('sparsityStatistics', y, width);
  if (y.length === 0) throw new ShapeError('sparsityStatistics', 'needs at least one row, got none');
  let active = 0;
  let fewestActive = width;
  let mostActive = 0;
  for (let first = 0; first < y.length; first += width) {
    let inRow = 0;
    for (let i = first; i < first + width; i++) if (y[i] !== 0) inRow++;
    active += inRow;
    fewestActive = Math.min(fewestActive, inRow);
    mostActive = Math.max(mostActive, inRow);
  }
  const rows = y.length / width;
  return { sparsity: 1 - active / y.length, meanActive: active / rows, fewestActive, mostActive, rows };
}

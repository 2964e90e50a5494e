/**
 * NaN and infinity. Host functions throw at the first one; ops cannot see values, so they answer with NaN for the
 * whole row, which stops the training step instead of hiding in a mask.
 */
import { NonFiniteError } from '@qsparse/core';

/** Throws NonFiniteError with the position of the first NaN or infinity. */
export function requireFinite(where: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new NonFiniteError(
      where,
      `values must be finite, got ${values[i]} at index ${i}`,
      'find the step that made it',
    );
  }
}

/** True where `length` values from `first` hold no NaN and no infinity. */
export function isFiniteRow(values: ArrayLike<number>, first: number, length: number): boolean {
  for (let i = first; i < first + length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

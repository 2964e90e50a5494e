/** Checks that the ternary packings share: a code is value + 1, so 0, 1, 2 stand for -1, 0, 1 and 3 for nothing. */
import { ShapeError, ValueError } from '@qsparse/core';

/** The code of element `index`. Throws ValueError for anything but -1, 0, 1. */
export function ternaryCode(where: string, w: ArrayLike<number>, index: number): number {
  const value = w[index]!;
  if (value === -1 || value === 0 || value === 1) return value + 1;
  throw new ValueError(
    where,
    `weights must be -1, 0 or 1, got ${value} at index ${index}`,
    'encodeTernary() makes ternary values',
  );
}

/** The value of a code. Throws ValueError for code 3, which says that the bytes are something else. */
export function ternaryValue(where: string, code: number, byte: number): number {
  if (code < 3) return code - 1;
  throw new ValueError(
    where,
    `codes must be 0, 1 or 2, got 3 in byte ${byte}`,
    'check which packing this is',
  );
}

export function requireMatrix(where: string, rows: number, columns: number): void {
  if (Number.isInteger(rows) && rows >= 1 && Number.isInteger(columns) && columns >= 1) return;
  throw new ShapeError(
    where,
    `a matrix needs whole sizes of at least 1, got ${rows} rows and ${columns} columns`,
  );
}

export function requireLength(where: string, name: string, got: number, expected: number): void {
  if (got === expected) return;
  throw new ShapeError(where, `${name} must have ${expected} elements, got ${got}`);
}

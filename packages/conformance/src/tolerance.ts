/** How near is near: one rule for all outputs, and the message that says where it was broken. */
import type { DType } from '@qsparse/core';

export interface Tolerance {
  /** Share of the expected element. */
  readonly relative: number;
  /** Share of the largest finite expected element of the same tensor. */
  readonly absolute: number;
  /** Of no size at all: for results that are small differences of numbers near 1. */
  readonly floor?: number;
}

/** A default for results near 0 that come from numbers near 1. */
export function cancelling(dtype: 'f32' | 'bf16'): Tolerance {
  return { ...DEFAULT_TOLERANCE[dtype], floor: DEFAULT_TOLERANCE[dtype].absolute };
}

/** `exact`: equal as numbers; NaN equals NaN, and -0 equals 0. */
export type Accuracy = 'exact' | Tolerance;

/** Forward results; gradients may be off by four times as much, since they pass through several ops. */
export const DEFAULT_TOLERANCE: Readonly<Record<'f32' | 'bf16', Tolerance>> = {
  f32: { relative: 2e-6, absolute: 2e-6 },
  bf16: { relative: 1e-2, absolute: 1e-2 },
};

export const GRADIENT_FACTOR = 4;

/** Numbers that matter to no model: below it float32 references and float64 ones part ways at once. */
const SMALLEST = 1e-30;

/** Integers are exact; floats take `accuracy`, or their default. */
export function accuracyOf(dtype: DType, accuracy: Accuracy | undefined): Accuracy {
  if (dtype !== 'f32' && dtype !== 'bf16') return 'exact';
  return accuracy ?? DEFAULT_TOLERANCE[dtype];
}

export function loosened(accuracy: Accuracy, factor: number): Accuracy {
  if (accuracy === 'exact') return accuracy;
  const { relative, absolute, floor = 0 } = accuracy;
  return { relative: relative * factor, absolute: absolute * factor, floor: floor * factor };
}

/** What passes under either of two. */
export function wider(a: Tolerance, b: Tolerance): Tolerance {
  return {
    relative: Math.max(a.relative, b.relative),
    absolute: Math.max(a.absolute, b.absolute),
    floor: Math.max(a.floor ?? 0, b.floor ?? 0),
  };
}

/** Throws with the worst element when `got` is not near `expected`. NaN and infinities must be the same. */
export function requireNear(
  what: string,
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  accuracy: Accuracy,
): void {
  if (got.length !== expected.length) {
    throw new Error(`${what} has ${got.length} elements, expected ${expected.length}`);
  }
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    if (Number.isFinite(expected[i])) largest = Math.max(largest, Math.abs(expected[i]!));
  }
  let worst = -1;
  let worstExcess = 1;
  let wrong = 0;
  for (let i = 0; i < expected.length; i++) {
    const excess = excessOf(got[i]!, expected[i]!, accuracy, largest);
    if (excess <= 1) continue;
    wrong++;
    if (worst < 0 || excess > worstExcess) [worst, worstExcess] = [i, excess];
  }
  if (worst < 0) return;
  const inexact = accuracy !== 'exact' && Number.isFinite(expected[worst]);
  const limit = inexact ? `within ${allowedError(expected[worst]!, accuracy, largest)}` : 'exactly';
  throw new Error(
    `${what}[${worst}] must be ${expected[worst]} ${limit}, got ${got[worst]} (${wrong} of ${expected.length} elements are off)`,
  );
}

/** The error as a multiple of what is allowed; above 1 is wrong. */
function excessOf(got: number, expected: number, accuracy: Accuracy, largest: number): number {
  if (got === expected || (Number.isNaN(got) && Number.isNaN(expected))) return 0;
  if (accuracy === 'exact' || !Number.isFinite(got) || !Number.isFinite(expected)) return Infinity;
  return Math.abs(got - expected) / allowedError(expected, accuracy, largest);
}

function allowedError(
  expected: number,
  { relative, absolute, floor = 0 }: Tolerance,
  largest: number,
): number {
  return relative * Math.abs(expected) + absolute * largest + Math.max(floor, SMALLEST);
}

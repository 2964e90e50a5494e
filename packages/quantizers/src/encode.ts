/**
 * Weight and activation quantizers on host arrays: numbers to small integers with scales, and back. The ops of the
 * same formulas (quantize-int8.ts, ternarize.ts) stay in floating point; here is what files and kernels store.
 */
import { ShapeError } from '@qsparse/core';
import { requireFinite } from './finite.ts';
import { roundWithin, SMALLEST_SCALE } from './rounding.ts';
import { requireRows } from './selection.ts';

/** Integers with one scale a row: x ≈ values · scale. */
export interface RowCodes {
  readonly values: Int8Array;
  /** One a row, float64 and unrounded. */
  readonly scales: Float64Array;
}

/** Integers -1, 0, 1 with one scale for all: w ≈ values · scale. */
export interface TernaryCodes {
  readonly values: Int8Array;
  readonly scale: number;
}

/**
 * Int8 by absmax, per row of `width` entries (default: all one row): γ = max|x|, at least 1e-5;
 * values = round(127 x / γ), ties to even, within ±127; scale = γ / 127. Zero maps to zero.
 * Source: BitNet a4.8 (arXiv 2411.04965) eq. 3, with the symmetric range.
 *
 * @throws ShapeError when x is not whole rows, NonFiniteError for NaN or infinity.
 */
export function encodeInt8(x: ArrayLike<number>, width: number = x.length): RowCodes {
  return encodeRows('encodeInt8', x, width, (first) => {
    let largest = SMALLEST_SCALE;
    for (let i = first; i < first + width; i++) largest = Math.max(largest, Math.abs(x[i]!));
    return { scale: largest / 127, code: (value) => roundWithin((127 * value) / largest, -127, 127) };
  });
}

/**
 * Int4 by absmean, per row of `width` entries (default: all one row): β = mean|x|, at least 1e-5;
 * values = round(√7 x / β), ties to even, within -8 to 7, one a byte; scale = β / √7.
 * Source: BitNet a4.8 (arXiv 2411.04965) eq. 2.
 *
 * @throws ShapeError when x is not whole rows, NonFiniteError for NaN or infinity.
 */
export function encodeInt4(x: ArrayLike<number>, width: number = x.length): RowCodes {
  return encodeRows('encodeInt4', x, width, (first) => {
    let sum = 0;
    for (let i = first; i < first + width; i++) sum += Math.abs(x[i]!);
    const mean = Math.max(sum / width, SMALLEST_SCALE);
    return {
      scale: mean / Math.sqrt(7),
      code: (value) => roundWithin((Math.sqrt(7) * value) / mean, -8, 7),
    };
  });
}

/**
 * Ternary by absmean over the whole array: α = mean|w|, at least 1e-5; values = round(w / α), ties to even, within
 * ±1; scale = α. Source: Q-Sparse (arXiv 2407.10969) §2.2.
 *
 * @throws ShapeError for an empty array, NonFiniteError for NaN or infinity.
 */
export function encodeTernary(w: ArrayLike<number>): TernaryCodes {
  requireRows('encodeTernary', w, w.length);
  requireFinite('encodeTernary', w);
  const scale = absoluteMean(w);
  return { values: Int8Array.from(w, (value) => roundWithin(value / scale, -1, 1)), scale };
}

/** α of a ternary matrix: mean|w|, at least 1e-5. NaN and infinity pass through. */
export function absoluteMean(w: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < w.length; i++) sum += Math.abs(w[i]!);
  return Math.max(sum / w.length, SMALLEST_SCALE);
}

/** The numbers that `encodeInt8` or `encodeInt4` codes stand for: values · scale of their row. */
export function decodeRows({ values, scales }: RowCodes): Float32Array {
  const width = values.length / scales.length;
  if (!Number.isInteger(width) || width < 1) {
    throw new ShapeError(
      'decodeRows',
      `there must be one scale a row, got ${scales.length} scales for ${values.length} values`,
    );
  }
  return Float32Array.from(values, (value, i) => value * scales[Math.floor(i / width)]!);
}

/** The numbers that ternary codes stand for: values · scale. */
export function decodeTernary({ values, scale }: TernaryCodes): Float32Array {
  return Float32Array.from(values, (value) => value * scale);
}

function encodeRows(
  where: string,
  x: ArrayLike<number>,
  width: number,
  encoderOf: (first: number) => { readonly scale: number; code(value: number): number },
): RowCodes {
  requireRows(where, x, width);
  requireFinite(where, x);
  const values = new Int8Array(x.length);
  const scales = new Float64Array(x.length / width);
  for (let row = 0; row < scales.length; row++) {
    const { scale, code } = encoderOf(row * width);
    scales[row] = scale;
    for (let i = row * width; i < (row + 1) * width; i++) values[i] = code(x[i]!);
  }
  return { values, scales };
}

/** Int8 rounding of activations as an op, in floating point. The integers themselves come from encode.ts. */
import { asRows, type Op, requireFloat, requireRank, run, type Tensor } from '@qsparse/core';
import { isFiniteRow } from './finite.ts';
import { roundWithin, SMALLEST_SCALE } from './rounding.ts';

/**
 * Per row of the last dimension: γ = max|x|, at least 1e-5; y = round(127 x / γ) · γ / 127, ties to even, within
 * ±127. The gradient passes straight through. A row with NaN or infinity becomes NaN.
 */
export const quantizeInt8Op: Op<'x', 'y', null> = {
  name: 'quantize-int8',
  infer({ x }) {
    const dtype = requireFloat('quantize-int8', { x });
    requireRank('quantize-int8', 'x', x.shape, 1);
    return { y: { dtype, shape: x.shape } };
  },
  reference({ x }, { y }, _attrs, types) {
    const { width } = asRows(types.x.shape);
    for (let first = 0; first < x.length; first += width) quantizeRow(x, first, width, y);
  },
  vjp: { identity: 'x' },
};

/** The meaning for one row; the fused op shares it. */
export function quantizeRow(x: Float64Array, first: number, width: number, y: Float64Array): void {
  if (!isFiniteRow(x, first, width)) {
    y.fill(Number.NaN, first, first + width);
    return;
  }
  let largest = SMALLEST_SCALE;
  for (let i = first; i < first + width; i++) largest = Math.max(largest, Math.abs(x[i]!));
  for (let i = first; i < first + width; i++) {
    y[i] = (roundWithin((127 * x[i]!) / largest, -127, 127) * largest) / 127;
  }
}

/**
 * y [..., n]: x (f32 or bf16) rounded to 255 levels of its row's largest magnitude, still in floating point; the
 * gradient passes straight through. Source: BitNet a4.8 (arXiv 2411.04965) eq. 3.
 */
export function quantizeInt8(x: Tensor): Tensor {
  return run(quantizeInt8Op, { x }, null).y;
}

/**
 * Rows of which few entries differ from zero, as lists: what `sparsify` let through, for products that read only those
 * channels of a matrix (sparse-gemv.ts, ternary-gemv.ts). Lists have the fixed length k, so that a captured step with
 * other active channels is the same step. No gradient.
 */
import {
  asRows,
  type Op,
  requireFloat,
  requireRank,
  run,
  type Shape,
  ShapeError,
  sameShape,
  showShape,
  type Tensor,
  type Type,
  ValueError,
} from '@qsparse/core';
import { isFiniteRow } from './finite.ts';
import { roundWithin, SMALLEST_SCALE } from './rounding.ts';

export interface CompactAttrs {
  /** Places of a list: 1 to the row's length. */
  readonly k: number;
  /** Values as int8 levels of the row's largest magnitude, with its scale. */
  readonly int8: boolean;
}

type Outputs = 'indices' | 'values' | 'count' | 'scale';

/**
 * x [..., n] (f32 or bf16) → of each row the first k entries that are not zero, in ascending order: indices i32 [..., k],
 * values [..., k] and count i32 [...], how many there are. Places from count on hold index 0 and value 0.
 *
 * values are f32; with int8 they are i8 = round(127 x / γ), γ = max|x| of the row, at least 1e-5, and scale [...] = γ / 127:
 * of numbers that `sparsify` rounded to int8 levels, exactly those levels. A row with NaN or infinity then has codes 0 and the
 * scale NaN; NaN is not zero.
 */
export const compactOp: Op<'x', Outputs, CompactAttrs> = {
  name: 'compact',
  infer({ x }, { k, int8 }) {
    requireFloat('compact', { x });
    requireRank('compact', 'x', x.shape, 1);
    const width = x.shape.at(-1)!;
    if (!(Number.isInteger(k) && k >= 1 && k <= width)) {
      throw new ValueError('compact', `k must be a whole number from 1 to ${width}, the row, got ${k}`);
    }
    const lead = x.shape.slice(0, -1);
    const outs: Partial<Record<Outputs, Type>> = {
      indices: { dtype: 'i32', shape: [...lead, k] },
      values: { dtype: int8 ? 'i8' : 'f32', shape: [...lead, k] },
      count: { dtype: 'i32', shape: lead },
      ...(int8 && { scale: { dtype: 'f32', shape: lead } }),
    };
    return outs as Record<Outputs, Type>;
  },
  reference({ x }, { indices, values, count, scale }, { k, int8 }, types) {
    const { rows, width } = asRows(types.x.shape);
    for (let row = 0; row < rows; row++) {
      const own = x.subarray(row * width, (row + 1) * width);
      const isWhole = isFiniteRow(own, 0, width);
      let largest = SMALLEST_SCALE;
      for (const entry of own) largest = Math.max(largest, Math.abs(entry));
      const listed = (entry: number): number => {
        if (!int8) return entry;
        return isWhole ? roundWithin((127 * entry) / largest, -127, 127) : 0;
      };
      let found = 0;
      for (let i = 0; i < width && found < k; i++) {
        if (own[i] === 0) continue;
        indices[row * k + found] = i;
        values[row * k + found] = listed(own[i]!);
        found++;
      }
      count[row] = found;
      indices.fill(0, row * k + found, (row + 1) * k);
      values.fill(0, row * k + found, (row + 1) * k);
      if (int8) scale[row] = isWhole ? largest / 127 : Number.NaN;
    }
  },
};

/** Active channels of each row. */
export interface ChannelList {
  /** i32 [..., k], ascending; 0 from `count` on. */
  readonly indices: Tensor;
  /** f32 or i8 [..., k]; 0 from `count` on. */
  readonly values: Tensor;
  /** i32 [...] */
  readonly count: Tensor;
  /** f32 [...]: what i8 values are multiplied by; undefined for f32 values. */
  readonly scale?: Tensor | undefined;
}

/**
 * The first `k` (default: all) entries of each row of x [..., n] (f32 or bf16) that are not zero. With `int8`, of rows on int8
 * levels, the levels as integers.
 *
 * @throws ValueError for k out of range, ShapeError for a scalar, DTypeError.
 */
export function compact(
  x: Tensor,
  options: { readonly k?: number; readonly int8?: boolean } = {},
): ChannelList {
  const { k = x.shape.at(-1) ?? 1, int8 = false } = options;
  return run(compactOp, { x }, { k, int8 });
}

/** Throws unless the three belong together. Returns their leading dimensions. */
export function requireList(
  where: string,
  { indices, values, count }: Readonly<Record<'indices' | 'values' | 'count', Type>>,
): Shape {
  requireRank(where, 'indices', indices.shape, 1);
  const lead = indices.shape.slice(0, -1);
  if (sameShape(values.shape, indices.shape) && sameShape(count.shape, lead)) return lead;
  throw new ShapeError(
    where,
    `a list is indices [..., k], values [..., k] and count [...], got ${showShape(indices.shape)}, ${showShape(values.shape)} and ${showShape(count.shape)}`,
    'compact() makes one',
  );
}

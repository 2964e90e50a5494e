/**
 * Rotary position embedding (Su et al., "RoFormer", 2021): each pair of a head's entries is turned by an angle
 * that grows with the position. The angles come as a table of cosines and sines, so scaled variants are only
 * another table (rope-table.ts). A position outside the table gives NaN; nothing outside it is read.
 */
import type { Type } from '../device.ts';
import { ShapeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { type Shape, showShape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { positionOf, requireDType, requireFloat, requirePosition, requireRank } from './require.ts';

export interface RopeAttrs {
  /** Pairs are (2i, 2i+1); otherwise (i, i + D/2), the half-split form of Hugging Face checkpoints. */
  readonly interleaved: boolean;
  /** Turns backwards: the inverse and the gradient. */
  readonly inverse: boolean;
}

export const ropeOp: Op<'x' | 'table', 'y', RopeAttrs, 'position'> = {
  name: 'rope',
  infer({ x, table, position }) {
    const dtype = requireFloat('rope', { x });
    requireRank('rope', 'x', x.shape, 3);
    const [tokens, , width] = x.shape.slice(-3) as [number, number, number];
    if (width % 2 !== 0)
      throw new ShapeError('rope', `the head size must be even, got ${showShape(x.shape)}`);
    requireRopeTable('rope', table, tokens, width);
    requirePosition('rope', position, batchOf(x.shape));
    return { y: { dtype, shape: x.shape } };
  },
  reference({ x, table, position }, { y }, attrs, types) {
    const [tokens, heads, width] = types.x.shape.slice(-3) as [number, number, number];
    const rows = sizeOf(types.x.shape) / width;
    const perBatch = rows / batchOf(types.x.shape);
    for (let row = 0; row < rows; row++) {
      const start = positionOf(position, Math.floor(row / perBatch), 0);
      const at = start + (Math.floor(row / heads) % tokens);
      const head = [row * width, (row + 1) * width] as const;
      turnHead(x.subarray(...head), y.subarray(...head), table, at, attrs);
    }
  },
  vjp: {
    save: ['table', 'position'],
    pull({ d, saved, attrs }) {
      const { table, position } = saved as { table: Tensor; position?: Tensor };
      return { x: run(ropeOp, { x: d.y!, table, position }, { ...attrs, inverse: !attrs.inverse }).y };
    },
  },
};

/** B: the first dimension of x [B, ..., T, H, D], 1 for x [T, H, D]. */
const batchOf = (x: Shape): number => (x.length > 3 ? x[0]! : 1);

/** A table for heads of `width` entries that holds at least `tokens` positions. */
export function requireRopeTable(where: string, table: Type, tokens: number, width: number): void {
  requireDType(where, 'table', table, 'f32');
  const [length, pairs, two] = table.shape;
  if (table.shape.length !== 3 || pairs !== width / 2 || two !== 2) {
    throw new ShapeError(
      where,
      `table must be [length, ${width / 2}, 2], got ${showShape(table.shape)}`,
      'make it with ropeTable() for this head size',
    );
  }
  if (tokens > length!) {
    throw new ShapeError(
      where,
      `the table has ${length} positions, got ${tokens} tokens`,
      'make a longer table',
    );
  }
}

/** The meaning of one head's turn by row `at` of the table: y from x, NaN outside the table. */
export function turnHead(
  x: Float64Array,
  y: Float64Array,
  table: Float64Array,
  at: number,
  { interleaved, inverse }: RopeAttrs,
): void {
  const half = x.length / 2;
  const inside = at >= 0 && at * x.length < table.length;
  for (let i = 0; i < half; i++) {
    const cos = inside ? table[(at * half + i) * 2]! : Number.NaN;
    const sin = inside ? table[(at * half + i) * 2 + 1]! * (inverse ? -1 : 1) : Number.NaN;
    const first = interleaved ? 2 * i : i;
    const second = first + (interleaved ? 1 : half);
    const [a, b] = [x[first]!, x[second]!];
    y[first] = a * cos - b * sin;
    y[second] = a * sin + b * cos;
  }
}

/**
 * Turns `x` [..., T, H, D] (f32 or bf16), token t by row position + t of `table` [length, D/2, 2] (f32: cosine,
 * sine). `position` is i32, [1] or one for each entry of x's first dimension, 0 when absent. Throws DTypeError and
 * ShapeError for what does not fit.
 */
export function rope(
  x: Tensor,
  table: Tensor,
  {
    interleaved = false,
    inverse = false,
    position,
  }: Partial<RopeAttrs> & { readonly position?: Tensor | undefined } = {},
): Tensor {
  return run(ropeOp, { x, table, position }, { interleaved, inverse }).y;
}

/**
 * One projection taken apart for attention: x holds query heads, key heads and value heads side by side; queries and
 * keys come out turned as rope.ts turns them (pairs (i, i + D/2)), values as they were.
 */
import { ShapeError } from '../errors.ts';
import type { FusedOp } from '../op.ts';
import { run } from '../run.ts';
import { type Shape, showShape } from '../shape.ts';
import { reshape, type Tensor } from '../tensor.ts';
import { zeros } from './fill.ts';
import { positionOf, requireFloat, requirePosition, requireWholeNumber } from './require.ts';
import { requireRopeTable, rope, turnHead } from './rope.ts';
import { rotaryHeadsBackwardOp } from './rotary-heads-backward.ts';
import { slice } from './slice.ts';

export interface RotaryHeadsAttrs {
  /** H, query heads. */
  readonly heads: number;
  /** G, key heads, and as many value heads. */
  readonly keyValueHeads: number;
}

const name = 'rotary-heads';
const HALVES = { interleaved: false, inverse: false };

export const rotaryHeadsOp: FusedOp<'x' | 'table', 'query' | 'key' | 'value', RotaryHeadsAttrs, 'position'> =
  {
    name,
    infer({ x, table, position }, attrs) {
      const dtype = requireFloat(name, { x });
      const width = headWidth(x.shape, attrs);
      const [batch, tokens] = x.shape as [number, number];
      requireRopeTable(name, table, tokens, width);
      requirePosition(name, position, batch);
      const shape = [batch, tokens, attrs.keyValueHeads, width];
      return {
        query: { dtype, shape: [batch, tokens, attrs.heads, width] },
        key: { dtype, shape },
        value: { dtype, shape },
      };
    },
    reference({ x, table, position }, { query, key, value }, { heads, keyValueHeads }, types) {
      const [, tokens, , width] = types.query.shape as [number, number, number, number];
      const rows = x.length / ((heads + 2 * keyValueHeads) * width);
      let from = 0;
      for (let row = 0; row < rows; row++) {
        const at = positionOf(position, Math.floor(row / tokens), 0) + (row % tokens);
        for (const [to, count] of [[query, heads] as const, [key, keyValueHeads] as const]) {
          for (let head = row * count; head < (row + 1) * count; head++, from += width) {
            const turned = to.subarray(head * width, (head + 1) * width);
            turnHead(x.subarray(from, from + width), turned, table, at, HALVES);
          }
        }
        const values = keyValueHeads * width;
        value.set(x.subarray(from, from + values), row * values);
        from += values;
      }
    },
    vjp: {
      save: ['table', 'position'],
      pull({ d, saved, types }) {
        const { table, position } = saved as { table: Tensor; position?: Tensor };
        const { device } = Object.values(d)[0]!;
        const gradient = (output: 'query' | 'key' | 'value') =>
          d[output] ?? zeros(device, types[output].shape, types[output].dtype);
        const ins = { dQuery: gradient('query'), dKey: gradient('key'), dValue: gradient('value') };
        return { x: run(rotaryHeadsBackwardOp, { ...ins, table, position }, null).dx };
      },
    },
    composite({ x, table, position }, attrs) {
      const width = headWidth(x.shape, attrs);
      const { heads, keyValueHeads } = attrs;
      const part = (first: number, count: number) =>
        reshape(slice(x, 2, first * width, count * width), [...x.shape.slice(0, 2), count, width]);
      return {
        query: rope(part(0, heads), table, { position }),
        key: rope(part(heads, keyValueHeads), table, { position }),
        value: part(heads + keyValueHeads, keyValueHeads),
      };
    },
  };

/** D, from x [B, T, (H + 2G) · D]. */
function headWidth(x: Shape, { heads, keyValueHeads }: RotaryHeadsAttrs): number {
  requireWholeNumber(name, 'heads', heads, 1);
  requireWholeNumber(name, 'keyValueHeads', keyValueHeads, 1);
  const all = heads + 2 * keyValueHeads;
  const width = x.at(-1)! / all;
  if (x.length !== 3 || width % 2 !== 0) {
    throw new ShapeError(
      name,
      `x must be [B, T, ${all} · D] with an even head size D, got ${showShape(x)}`,
      'check heads and keyValueHeads',
    );
  }
  return width;
}

export interface RotaryHeads {
  /** [B, T, H, D], turned. */
  readonly query: Tensor;
  /** [B, T, G, D], turned. */
  readonly key: Tensor;
  /** [B, T, G, D], as it was. */
  readonly value: Tensor;
}

/**
 * Takes `x` [B, T, (H + 2G) · D] (f32 or bf16: H query heads, G key heads, G value heads) apart and turns the queries
 * and keys of token t by row position + t of `table` [length, D/2, 2] (f32: cosine, sine); outside of the table they
 * are NaN. `position` is i32, [1] or [B] with one for each row of the batch, 0 when absent. The outputs have x's dtype.
 * Throws DTypeError, ShapeError and ValueError for what does not fit.
 */
export function rotaryHeads(
  x: Tensor,
  table: Tensor,
  { heads, keyValueHeads, position }: RotaryHeadsAttrs & { readonly position?: Tensor | undefined },
): RotaryHeads {
  return run(rotaryHeadsOp, { x, table, position }, { heads, keyValueHeads });
}

/**
 * What a token of a text does before attention, at once: rotary-heads, with keys and values written straight into the
 * cache as kv-append does. Both may be done in parts; this saves what the keys and values are stored for in between.
 */
import { ShapeError } from '../errors.ts';
import type { FusedOp } from '../op.ts';
import { run } from '../run.ts';
import { showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { kvAppend, kvAppendOp } from './kv-append.ts';
import { requireSameShape } from './require.ts';
import { type RotaryHeadsAttrs, rotaryHeads, rotaryHeadsOp } from './rotary-heads.ts';

const name = 'rotary-heads-append';

export const rotaryHeadsAppendOp: FusedOp<
  'x' | 'table' | 'position' | 'keys' | 'values' | 'place',
  'query',
  RotaryHeadsAttrs
> = {
  name,
  mutates: ['keys', 'values'],
  infer({ x, table, position, keys, values, place }, attrs) {
    const { query, key } = rotaryHeadsOp.infer({ x, table, position }, attrs);
    requireSameShape(name, 'values', values.shape, keys.shape);
    if (keys.shape.length !== 4) {
      throw new ShapeError(name, `keys must be [B, S, G, D], got ${showShape(keys.shape)}`);
    }
    for (const cache of [keys, values]) kvAppendOp.infer({ cache, x: key, position: place }, null);
    return { query };
  },
  reference({ x, table, position, keys, values, place }, { query }, attrs, types) {
    const { x: xType, table: tableType, position: positionType } = types;
    const heads = rotaryHeadsOp.infer({ x: xType, table: tableType, position: positionType }, attrs);
    const [batch, tokens, groups, width] = heads.key.shape as [number, number, number, number];
    const size = batch * tokens * groups * width;
    const own = { query, key: new Float64Array(size), value: new Float64Array(size) };
    rotaryHeadsOp.reference({ x, table, position }, own, attrs, { ...types, ...heads });
    for (const [cache, part, type] of [
      [keys, own.key, types.keys],
      [values, own.value, types.values],
    ] as const) {
      const given = { cache, x: part, position: place };
      kvAppendOp.reference(given, {}, null, { cache: type, x: heads.key, position: types.place });
    }
  },
  composite({ x, table, position, keys, values, place }, { heads, keyValueHeads }) {
    const { query, key, value } = rotaryHeads(x, table, { heads, keyValueHeads, position });
    kvAppend(keys, key, place);
    kvAppend(values, value, place);
    return { query };
  },
};

/** Keys and values of earlier tokens [B, S, G, D], and where the first new one goes: i32 [1] or [B]. */
export interface HeadCache {
  readonly keys: Tensor;
  readonly values: Tensor;
  readonly place: Tensor;
}

/**
 * `rotaryHeads` of `x` [B, T, (H + 2G) · D] from `position` (i32 [1] or [B]) on, then `kvAppend` of its keys and of its
 * values to `cache` from `place` on. Returns the queries [B, T, H, D]. Not on the tape. Throws what those throw.
 */
export function rotaryHeadsAppend(
  x: Tensor,
  table: Tensor,
  { keys, values, place }: HeadCache,
  { heads, keyValueHeads, position }: RotaryHeadsAttrs & { readonly position: Tensor },
): Tensor {
  const ins = { x, table, position, keys, values, place };
  return run(rotaryHeadsAppendOp, ins, { heads, keyValueHeads }).query;
}

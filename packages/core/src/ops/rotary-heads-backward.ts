/**
 * The gradient of rotary-heads.ts: queries' and keys' gradients turned back, values' as they are, side by side again:
 * dx [B, T, (H + 2G) · D]. A position outside of the table gives NaN for queries and keys, as forward.
 */
import { ShapeError } from '../errors.ts';
import type { FusedOp } from '../op.ts';
import { type Shape, showShape } from '../shape.ts';
import { reshape } from '../tensor.ts';
import { concat } from './concat.ts';
import { positionOf, requireFloat, requirePosition, requireSameShape } from './require.ts';
import { requireRopeTable, rope, turnHead } from './rope.ts';

const name = 'rotary-heads-backward';
const BACK = { interleaved: false, inverse: true };

/** dQuery [B, T, H, D], dKey and dValue [B, T, G, D], one dtype; an absent gradient is a tensor of zeros. */
export const rotaryHeadsBackwardOp: FusedOp<'dQuery' | 'dKey' | 'dValue' | 'table', 'dx', null, 'position'> =
  {
    name,
    infer({ dQuery, dKey, dValue, table, position }) {
      const dtype = requireFloat(name, { dQuery, dKey, dValue });
      const [batch, tokens, , width] = dQuery.shape as [number, number, number, number];
      if (dQuery.shape.length !== 4 || dKey.shape.length !== 4 || width % 2 !== 0) {
        throw new ShapeError(
          name,
          `dQuery must be [B, T, H, D] and dKey [B, T, G, D], D even, got ${showShape(dQuery.shape)} and ${showShape(dKey.shape)}`,
        );
      }
      requireSameShape(name, 'dKey', dKey.shape, [batch, tokens, dKey.shape[2]!, width]);
      requireSameShape(name, 'dValue', dValue.shape, dKey.shape);
      requireRopeTable(name, table, tokens, width);
      requirePosition(name, position, batch);
      return { dx: { dtype, shape: sideBySide(dQuery.shape, dKey.shape) } };
    },
    reference({ dQuery, dKey, dValue, table, position }, { dx }, _attrs, types) {
      const [batch, tokens, heads, width] = types.dQuery.shape as [number, number, number, number];
      const groups = types.dKey.shape[2]!;
      let to = 0;
      for (let row = 0; row < batch * tokens; row++) {
        const at = positionOf(position, Math.floor(row / tokens), 0) + (row % tokens);
        for (const [from, count] of [[dQuery, heads] as const, [dKey, groups] as const]) {
          for (let head = row * count; head < (row + 1) * count; head++, to += width) {
            const turned = from.subarray(head * width, (head + 1) * width);
            turnHead(turned, dx.subarray(to, to + width), table, at, BACK);
          }
        }
        const values = groups * width;
        dx.set(dValue.subarray(row * values, (row + 1) * values), to);
        to += values;
      }
    },
    composite({ dQuery, dKey, dValue, table, position }) {
      const back = { inverse: true, position };
      const heads = concat([rope(dQuery, table, back), rope(dKey, table, back), dValue], 2);
      return { dx: reshape(heads, sideBySide(dQuery.shape, dKey.shape)) };
    },
  };

/** [B, T, (H + 2G) · D] */
function sideBySide(query: Shape, key: Shape): Shape {
  const [batch, tokens, heads, width] = query as [number, number, number, number];
  return [batch, tokens, (heads + 2 * key[2]!) * width];
}

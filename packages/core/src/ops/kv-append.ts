/**
 * Writes the keys or values of new tokens into a cache: cache[b, position_b + t] = x[b, t]. Positions live on
 * the device, so that a captured step can move them; a token that falls outside the cache is skipped.
 */
import { ShapeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { positionOf, requireFloat, requirePosition } from './require.ts';

export const kvAppendOp: Op<'cache' | 'x' | 'position', never, null> = {
  name: 'kv-append',
  mutates: ['cache'],
  infer({ cache, x, position }) {
    requireFloat('kv-append', { cache, x });
    const [b, , g, d] = cache.shape;
    if (
      cache.shape.length !== 4 ||
      x.shape.length !== 4 ||
      b !== x.shape[0] ||
      g !== x.shape[2] ||
      d !== x.shape[3]
    ) {
      throw new ShapeError(
        'kv-append',
        `cache must be [B, S, G, D] and x [B, T, G, D], got ${showShape(cache.shape)} and ${showShape(x.shape)}`,
      );
    }
    requirePosition('kv-append', position, b!);
    return {};
  },
  reference({ cache, x, position }, _outs, _attrs, types) {
    const [batch, length, groups, width] = types.cache.shape as [number, number, number, number];
    const tokens = types.x.shape[1]!;
    const row = groups * width;
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < tokens; t++) {
        const at = positionOf(position, b, 0) + t;
        if (!(at >= 0 && at < length)) continue;
        for (let i = 0; i < row; i++) cache[(b * length + at) * row + i] = x[(b * tokens + t) * row + i]!;
      }
    }
  },
};

/**
 * Writes `x` [B, T, G, D] into `cache` [B, S, G, D] (f32 or bf16 alike) from `position` on: i32 [1], or [B] with one for
 * each row of the batch. Not on the tape. Throws DTypeError and ShapeError for what does not fit.
 */
export function kvAppend(cache: Tensor, x: Tensor, position: Tensor): void {
  run(kvAppendOp, { cache, x, position }, null);
}

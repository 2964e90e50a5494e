/**
 * The gradient of a row gather: into[ids[...], :] += dy[..., :], in row order, so that repeated ids add up the
 * same way on every run. An id outside 0..V-1 is skipped. Adds in place, since a table's gradient is mostly zero;
 * `into` has dy's dtype or is f32.
 */
import { ShapeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { showShape } from '../shape.ts';
import { requireDType, requireF32Or, requireFloat, requireSameShape } from './require.ts';

export const embeddingBackwardOp: Op<'dy' | 'ids' | 'into', never, null> = {
  name: 'embedding-backward',
  mutates: ['into'],
  infer({ dy, ids, into }) {
    requireF32Or('embedding-backward', 'into', into, requireFloat('embedding-backward', { dy }));
    requireDType('embedding-backward', 'ids', ids, 'i32');
    if (into.shape.length !== 2) {
      throw new ShapeError('embedding-backward', `into must be [V, d], got ${showShape(into.shape)}`);
    }
    requireSameShape('embedding-backward', 'dy', dy.shape, [...ids.shape, into.shape[1]!]);
    return {};
  },
  reference({ dy, ids, into }, _outs, _attrs, types) {
    const [length, width] = types.into.shape as [number, number];
    for (let row = 0; row < ids.length; row++) {
      const id = ids[row]!;
      if (!(id >= 0 && id < length)) continue;
      for (let i = 0; i < width; i++) into[id * width + i]! += dy[row * width + i]!;
    }
  },
};

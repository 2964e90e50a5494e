/** into += x, element by element. Gradients that meet are added with it. */

import { ShapeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { showShape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { requireFloat } from './require.ts';

export const accumulateOp: Op<'into' | 'x', never, null> = {
  name: 'accumulate',
  mutates: ['into'],
  infer({ into, x }) {
    requireFloat('accumulate', { into, x });
    if (sizeOf(into.shape) !== sizeOf(x.shape)) {
      throw new ShapeError(
        'accumulate',
        `sizes must be equal, got ${showShape(x.shape)} into ${showShape(into.shape)}`,
      );
    }
    return {};
  },
  reference({ into, x }) {
    for (let i = 0; i < into.length; i++) into[i]! += x[i]!;
  },
};

export function accumulate(into: Tensor, x: Tensor): void {
  run(accumulateOp, { into, x }, null);
}

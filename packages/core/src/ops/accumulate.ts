/**
 * into += x, element by element. Gradients that meet are added with it; those of a bf16 product into an f32 sum too.
 */
import { ShapeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { showShape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { requireF32Or, requireFloat } from './require.ts';

export const accumulateOp: Op<'into' | 'x', never, null> = {
  name: 'accumulate',
  mutates: ['into'],
  infer({ into, x }) {
    requireF32Or('accumulate', 'into', into, requireFloat('accumulate', { x }));
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

/** Adds `x` to `into` in place: as many elements, `into` of x's dtype or f32. */
export function accumulate(into: Tensor, x: Tensor): void {
  run(accumulateOp, { into, x }, null);
}

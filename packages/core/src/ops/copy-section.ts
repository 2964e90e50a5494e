/** Overwrites a range of one axis: into[..., start : start + length, ...] = x. The mirror of slice. */
import { DTypeError, ShapeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { aroundAxis, axisFromFront, showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { requireAxis, requireSameShape, requireUnpacked, requireWholeNumber } from './require.ts';

export interface CopySectionAttrs {
  readonly axis: number;
  readonly start: number;
}

export const copySectionOp: Op<'into' | 'x', never, CopySectionAttrs> = {
  name: 'copy-section',
  moves: true,
  mutates: ['into'],
  infer({ into, x }, { axis, start }) {
    requireUnpacked('copy-section', 'into', into);
    if (into.dtype !== x.dtype) {
      throw new DTypeError(
        'copy-section',
        `dtypes must be equal, got ${x.dtype} into ${into.dtype}`,
        'use cast()',
      );
    }
    requireAxis('copy-section', axis, into.shape);
    const length = x.shape[axis] ?? 0;
    const expected = into.shape.map((dimension, i) => (i === axis ? length : dimension));
    requireSameShape('copy-section', 'x', x.shape, expected);
    requireWholeNumber('copy-section', 'start', start, 0);
    if (start + length > into.shape[axis]!) {
      throw new ShapeError(
        'copy-section',
        `${start}..${start + length} must be inside axis ${axis} of ${showShape(into.shape)}`,
      );
    }
    return {};
  },
  reference({ into, x }, _outs, { axis, start }, types) {
    const { before, after } = aroundAxis(types.into.shape, axis);
    const run = types.x.shape[axis]! * after;
    const stride = types.into.shape[axis]! * after;
    for (let i = 0; i < before; i++) into.set(x.subarray(i * run, (i + 1) * run), i * stride + start * after);
  },
};

/** into[..., start : start + x.shape[axis], ...] = x, for any dtype but ternary. A negative axis counts from the end. */
export function copySection(into: Tensor, x: Tensor, axis: number, start: number): void {
  run(copySectionOp, { into, x }, { axis: axisFromFront(into.shape, axis), start });
}

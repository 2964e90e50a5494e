/** y = x[..., start : start + length, ...]: a range of one axis, copied. */
import { ShapeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { aroundAxis, axisFromFront, showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { copySection } from './copy-section.ts';
import { zeros } from './fill.ts';
import { requireAxis, requireUnpacked, requireWholeNumber } from './require.ts';

export interface SliceAttrs {
  readonly axis: number;
  readonly start: number;
  readonly length: number;
}

export const sliceOp: Op<'x', 'y', SliceAttrs> = {
  name: 'slice',
  moves: true,
  infer({ x }, { axis, start, length }) {
    requireUnpacked('slice', 'x', x);
    requireAxis('slice', axis, x.shape);
    requireWholeNumber('slice', 'start', start, 0);
    requireWholeNumber('slice', 'length', length, 1);
    if (start + length > x.shape[axis]!) {
      throw new ShapeError(
        'slice',
        `${start}..${start + length} must be inside axis ${axis} of ${showShape(x.shape)}`,
      );
    }
    return { y: { dtype: x.dtype, shape: x.shape.map((dimension, i) => (i === axis ? length : dimension)) } };
  },
  reference({ x }, { y }, { axis, start, length }, types) {
    const { before, after } = aroundAxis(types.x.shape, axis);
    const stride = types.x.shape[axis]! * after;
    for (let i = 0; i < before; i++) {
      const first = i * stride + start * after;
      y.set(x.subarray(first, first + length * after), i * length * after);
    }
  },
  vjp: {
    save: [],
    pull({ d, types, attrs }) {
      const dy = d.y!;
      const dx = zeros(dy.device, types.x.shape, dy.dtype);
      copySection(dx, dy, attrs.axis, attrs.start);
      return { x: dx };
    },
  },
};

/** x[..., start : start + length, ...] as new memory, any dtype but ternary. A negative axis counts from the end. */
export function slice(x: Tensor, axis: number, start: number, length: number): Tensor {
  return run(sliceOp, { x }, { axis: axisFromFront(x.shape, axis), start, length }).y;
}

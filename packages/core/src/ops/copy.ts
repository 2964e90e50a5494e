/** Overwrites `into` with the elements of `x`: same dtype, same number of elements. */
import { DTypeError, ShapeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { showShape, sizeOf } from '../shape.ts';
import { empty, type Tensor } from '../tensor.ts';

export const copyOp: Op<'into' | 'x', never, null> = {
  name: 'copy',
  moves: true,
  mutates: ['into'],
  infer({ into, x }) {
    if (into.dtype !== x.dtype)
      throw new DTypeError('copy', `dtypes must be equal, got ${x.dtype} into ${into.dtype}`, 'use cast()');
    if (sizeOf(into.shape) !== sizeOf(x.shape)) {
      throw new ShapeError(
        'copy',
        `sizes must be equal, got ${showShape(x.shape)} into ${showShape(into.shape)}`,
      );
    }
    return {};
  },
  reference({ into, x }) {
    into.set(x);
  },
};

export function copyInto(into: Tensor, x: Tensor): void {
  run(copyOp, { into, x }, null);
}

/** New memory with the same elements, off the tape. */
export function copy(x: Tensor): Tensor {
  const made = empty(x.device, x.dtype, x.shape);
  copyInto(made, x);
  return made;
}

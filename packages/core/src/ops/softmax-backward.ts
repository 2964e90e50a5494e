/** dx = y · (dy - Σ y · dy) over the last dimension: the gradient of softmax from its result; masked entries give 0. */
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { asRows } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { requireFloat, requireRank, requireSameShape } from './require.ts';

export const softmaxBackwardOp: Op<'y' | 'dy', 'dx', null> = {
  name: 'softmax-backward',
  infer({ y, dy }) {
    const dtype = requireFloat('softmax-backward', { y, dy });
    requireRank('softmax-backward', 'y', y.shape, 1);
    requireSameShape('softmax-backward', 'dy', dy.shape, y.shape);
    return { dx: { dtype, shape: y.shape } };
  },
  reference({ y, dy }, { dx }, _attrs, types) {
    const { rows, width } = asRows(types.y.shape);
    for (let row = 0; row < rows; row++) {
      const first = row * width;
      let dot = 0;
      for (let j = 0; j < width; j++) dot += y[first + j]! * dy[first + j]!;
      for (let j = 0; j < width; j++) dx[first + j] = y[first + j]! * (dy[first + j]! - dot);
    }
  },
};

/** The gradient of softmax: y and dy [..., n] to dx [..., n]. */
export function softmaxBackward(y: Tensor, dy: Tensor): Tensor {
  return run(softmaxBackwardOp, { y, dy }, null).dx;
}

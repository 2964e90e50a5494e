/**
 * The gradient of the mean cross entropy: dLogits = d · (softmax(logits) - onehot(target)) / count, zeros for an
 * ignored target, NaN for one outside the vocabulary. Writes into `overwrite` when given, which may be the logits
 * themselves: they are the largest tensor of a step and need not be held twice.
 */
import { ShapeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { asRows, showShape, sizeOf } from '../shape.ts';
import { requireDType, requireFloat, requireSameShape } from './require.ts';

const name = 'cross-entropy-backward';

export const crossEntropyBackwardOp: Op<
  'd' | 'logits' | 'targets' | 'logSumExp' | 'count',
  'dLogits',
  null,
  'overwrite'
> = {
  name,
  inPlace: { dLogits: 'overwrite' },
  infer({ d, logits, targets, logSumExp, count, overwrite }) {
    const dtype = requireFloat(name, { logits, overwrite });
    requireDType(name, 'd', d, 'f32');
    if (sizeOf(d.shape) !== 1)
      throw new ShapeError(name, `d must have one element, got ${showShape(d.shape)}`);
    requireDType(name, 'targets', targets, 'i32');
    requireSameShape(name, 'targets', targets.shape, logits.shape.slice(0, -1));
    requireDType(name, 'logSumExp', logSumExp, 'f32');
    requireSameShape(name, 'logSumExp', logSumExp.shape, [asRows(logits.shape).rows]);
    requireDType(name, 'count', count, 'f32');
    requireSameShape(name, 'count', count.shape, []);
    if (overwrite) requireSameShape(name, 'overwrite', overwrite.shape, logits.shape);
    return { dLogits: { dtype, shape: logits.shape } };
  },
  reference({ d, logits, targets, logSumExp, count }, { dLogits }, _attrs, types) {
    const { rows, width } = asRows(types.logits.shape);
    for (let row = 0; row < rows; row++) {
      const target = targets[row]!;
      const factor = target < 0 ? 0 : target < width ? d[0]! / count[0]! : Number.NaN;
      for (let i = 0; i < width; i++) {
        const at = row * width + i;
        const p = Math.exp(logits[at]! - logSumExp[row]!);
        dLogits[at] = target < 0 ? 0 : factor * (p - (i === target ? 1 : 0));
      }
    }
  },
};

/**
 * Mean cross entropy from logits: the mean of logSumExp(row) - row[target] over targets of at least 0. A negative
 * target is ignored; with none left the loss is 0. One outside the vocabulary makes the loss NaN, since targets
 * are values that no shape check sees. Softmax is never stored: its gradient overwrites the logits when it may.
 */
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { asRows } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { crossEntropyBackwardOp } from './cross-entropy-backward.ts';
import { onlyGradient, requireDType, requireFloat, requireRank, requireSameShape } from './require.ts';

/** count: how many targets were not ignored. logSumExp: of every row, ignored or not. */
export const crossEntropyOp: Op<'logits' | 'targets', 'loss' | 'logSumExp' | 'count', null> = {
  name: 'cross-entropy',
  infer({ logits, targets }) {
    requireFloat('cross-entropy', { logits });
    requireRank('cross-entropy', 'logits', logits.shape, 1);
    requireDType('cross-entropy', 'targets', targets, 'i32');
    requireSameShape('cross-entropy', 'targets', targets.shape, logits.shape.slice(0, -1));
    return {
      loss: { dtype: 'f32', shape: [] },
      logSumExp: { dtype: 'f32', shape: [asRows(logits.shape).rows] },
      count: { dtype: 'f32', shape: [] },
    };
  },
  reference({ logits, targets }, { loss, logSumExp, count }, _attrs, types) {
    const { rows, width } = asRows(types.logits.shape);
    let total = 0;
    let valid = 0;
    for (let row = 0; row < rows; row++) {
      let largest = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < width; i++) largest = Math.max(largest, logits[row * width + i]!);
      let sum = 0;
      for (let i = 0; i < width; i++) sum += Math.exp(logits[row * width + i]! - largest);
      logSumExp[row] = largest + Math.log(sum);
      const target = targets[row]!;
      if (target < 0) continue;
      valid += 1;
      total += target < width ? logSumExp[row]! - logits[row * width + target]! : Number.NaN;
    }
    count[0] = valid;
    loss[0] = valid === 0 ? 0 : total / valid;
  },
  vjp: {
    save: ['logits', 'targets', 'logSumExp', 'count'],
    pull({ d, saved, takeOver }) {
      const { logits, targets, logSumExp, count } = saved as Record<
        'logits' | 'targets' | 'logSumExp' | 'count',
        Tensor
      >;
      const ins = { d: onlyGradient('cross-entropy', d, 'loss'), logits, targets, logSumExp, count };
      return { logits: run(crossEntropyBackwardOp, { ...ins, overwrite: takeOver('logits') }, null).dLogits };
    },
  },
};

/**
 * The mean cross entropy, f32 [], of `logits` [..., V] (f32 or bf16) against `targets` [...] (i32; negative ones
 * are ignored). Dispose the logits, or make them in an inner scope, to let the gradient reuse their memory.
 */
export function crossEntropy(logits: Tensor, targets: Tensor): Tensor {
  return run(crossEntropyOp, { logits, targets }, null).loss;
}

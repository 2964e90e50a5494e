/**
 * Draws one token a row: temperature, then top-k, then top-p (nucleus: Holtzman et al., arXiv 1904.09751). A row
 * that has no distribution (a NaN, +infinity, or nothing but -infinity) gives -1, which no table holds.
 */
import { ShapeError, ValueError } from '../errors.ts';
import type { Op } from '../op.ts';
import { wordToUniform } from '../philox.ts';
import { run } from '../run.ts';
import { showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { randomBlock } from './random.ts';
import { requireDType, requireFloat, requireSameShape, requireWholeNumber } from './require.ts';

export interface SampleAttrs {
  /** Above 0. */
  readonly temperature: number;
  /** Entries that may be drawn; 0 (or more than there are): all. */
  readonly topK: number;
  /** The smallest set of likely entries whose probabilities reach this, in (0, 1]; 1: all. */
  readonly topP: number;
}

export const sampleOp: Op<'logits' | 'random', 'y', SampleAttrs> = {
  name: 'sample',
  infer({ logits, random }, { temperature, topK, topP }) {
    requireFloat('sample', { logits });
    if (logits.shape.length !== 2) {
      throw new ShapeError('sample', `logits must be [rows, vocabulary], got ${showShape(logits.shape)}`);
    }
    requireDType('sample', 'random', random, 'i32');
    requireSameShape('sample', 'random', random.shape, [4]);
    if (!(temperature > 0 && Number.isFinite(temperature))) {
      throw new ValueError(
        'sample',
        `temperature must be above 0 and finite, got ${temperature}`,
        'use argmax() for the most likely token',
      );
    }
    requireWholeNumber('sample', 'topK', topK, 0);
    if (!(topP > 0 && topP <= 1)) {
      throw new ValueError('sample', `topP must be above 0 and at most 1, got ${topP}`);
    }
    return { y: { dtype: 'i32', shape: [logits.shape[0]!] } };
  },
  reference({ logits, random }, { y }, attrs, types) {
    const width = types.logits.shape[1]!;
    for (let row = 0; row < y.length; row++) {
      const uniform = wordToUniform(randomBlock(random, row)[0]!);
      y[row] = draw(logits.subarray(row * width, (row + 1) * width), uniform, attrs);
    }
  },
};

/** One draw with a uniform number in [0, 1). */
function draw(logits: Float64Array, uniform: number, { temperature, topK, topP }: SampleAttrs): number {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (!Number.isFinite(largest)) return -1;
  const order = Array.from(logits.keys()).sort((i, j) => logits[j]! - logits[i]! || i - j);
  const kept = order.slice(0, topK === 0 ? order.length : topK);
  const weights = kept.map((i) => Math.exp((logits[i]! - largest) / temperature));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  let end = 0;
  let total = 0;
  while (end < kept.length && (topP === 1 || total < topP * all)) total += weights[end++]!;
  let reached = 0;
  for (let i = 0; i < end; i++) {
    reached += weights[i]!;
    if (reached > uniform * total) return kept[i]!;
  }
  return kept[end - 1]!;
}

/**
 * One index a row of logits [rows, vocabulary], i32 [rows]: among the topK largest (ties to the lowest index),
 * then the smallest prefix whose probability reaches topP, drawn with Philox at (seed, stream, counter + row).
 * `random` is i32 [4] as `randomState` makes it. No gradient.
 */
export function sample(
  logits: Tensor,
  random: Tensor,
  { temperature = 1, topK = 0, topP = 1 }: Partial<SampleAttrs> = {},
): Tensor {
  return run(sampleOp, { logits, random }, { temperature, topK, topP }).y;
}

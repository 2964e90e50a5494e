/** A decoder as the training loop sees it. */
import { ValueError } from '@qsparse/core';
import {
  type Decoder,
  firstNonFinite,
  lossOf,
  type Sparsity,
  sequenceLosses,
  setSparsity,
  shareLeftOut,
} from '@qsparse/layers';
import { preferenceLoss, type Trainable } from '@qsparse/training';

export interface TrainableOptions {
  /** Activation checkpointing: less memory, about a third more time, the same gradients. Default false. */
  readonly recomputeBlocks?: boolean | undefined;
  /**
   * Learn preferences in place of next tokens, with this β: rows are chosen, rejected, chosen, … and batches bring `counts` and
   * `reference`, as those of `pairBatches` of @qsparse/data/tuning do.
   */
  readonly preferenceBeta?: number | undefined;
}

/**
 * For `train`; a sparsity warm-up goes up to the kind of selection that the model has now. Of what batches bring, `first` says
 * where the document of each token begins in its row: no token sees an earlier one.
 */
export function trainableDecoder(
  model: Decoder,
  { recomputeBlocks, preferenceBeta }: TrainableOptions = {},
): Trainable {
  const { sparsity: target, sparsityBySite } = model.config.linear;
  const isTarget = (sparsity: number): boolean => sparsity === shareLeftOut(target);
  return {
    device: model.device,
    arena: model.arena,
    loss(tokens, targets, { first, counts, reference } = {}) {
      const options = { first, recomputeBlocks };
      if (preferenceBeta === undefined) return lossOf(model, tokens, targets, options);
      if (!counts || !reference)
        throw new ValueError('train', 'preferences need counts and reference, which the batches do not have');
      return preferenceLoss(
        sequenceLosses(model, tokens, targets, counts, options),
        reference,
        preferenceBeta,
      );
    },
    // On the way up all sites are alike; where they arrive, each has its own.
    setSparsity: (sparsity) =>
      setSparsity(model, atSparsity(target, sparsity), isTarget(sparsity) ? sparsityBySite : undefined),
    firstNonFinite: (tokens) => firstNonFinite(model, tokens),
  };
}

/** The target's kind of selection with another share left out: blocks stay blocks. */
function atSparsity(target: Sparsity, sparsity: number): Sparsity {
  if (sparsity === shareLeftOut(target)) return target;
  if (sparsity === 0) return { kind: 'dense' };
  if (target.kind !== 'block') return { kind: 'top-k', sparsity };
  return { kind: 'block', keep: Math.max(1, Math.round((1 - sparsity) * target.block)), block: target.block };
}

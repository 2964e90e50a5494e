/** A decoder as the training loop sees it. */
import {
  type Decoder,
  firstNonFinite,
  lossOf,
  type Sparsity,
  setSparsity,
  shareLeftOut,
} from '@qsparse/layers';
import type { Trainable } from '@qsparse/training';

/** For `train`; a sparsity warm-up goes up to the kind of selection that the model has now. */
export function trainableDecoder(model: Decoder): Trainable {
  const { sparsity: target, sparsityBySite } = model.config.linear;
  const isTarget = (sparsity: number): boolean => sparsity === shareLeftOut(target);
  return {
    device: model.device,
    arena: model.arena,
    loss: (tokens, targets) => lossOf(model, tokens, targets),
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

/** How unlikely each row's targets are to a model: what preference tuning compares. */
import { concat, crossEntropy, multiply, reshape, rows, scope, slice, type Tensor } from '@qsparse/core';
import { type Decoder, type ForwardOptions, headLogits, hiddenStates } from './decoder.ts';

/**
 * -log p(targets of a row | its tokens) in nats, f32 [B]: the sum over the targets that are not negative. tokens, targets i32
 * [B, T]; counts f32 [B]: how many those are. The logits of one row at a time are in memory.
 */
export function sequenceLosses(
  model: Decoder,
  tokens: Tensor,
  targets: Tensor,
  counts: Tensor,
  options?: ForwardOptions,
): Tensor {
  return scope(() => {
    const states = hiddenStates(model, tokens, options); // [B, T, d]
    const losses = Array.from({ length: tokens.shape[0]! }, (_, row) => {
      // In its own scope, so that the tape alone holds the logits and their gradient may overwrite them.
      const mean = scope(() =>
        crossEntropy(headLogits(model, slice(states, 0, row, 1)), rows(targets, row, 1)),
      );
      return multiply(reshape(mean, [1]), rows(counts, row, 1));
    });
    return losses.length === 1 ? losses[0]! : concat(losses, 0);
  });
}

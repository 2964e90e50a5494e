/**
 * Direct preference optimization (Rafailov et al., arXiv 2305.18290). With w the chosen and l the rejected answer to x,
 *
 *   loss = -log σ(β [log π(w|x) - log π_ref(w|x)] - β [log π(l|x) - log π_ref(l|x)]),
 *
 * which is the cross entropy of the pair of logits β (log π - log π_ref) with the chosen one as its target: so it is computed,
 * and no exponent overflows.
 */
import { crossEntropy, full, reshape, scale, subtract, type Tensor } from '@qsparse/core';

/**
 * The mean over pairs, f32 []. `losses` f32 [2 P]: -log π of chosen, rejected, chosen, …; `reference` f32 [2 P]: the same of
 * the reference model, a constant.
 */
export function preferenceLoss(losses: Tensor, reference: Tensor, beta: number): Tensor {
  const pairs = losses.size / 2;
  const logits = reshape(scale(subtract(reference, losses), beta), [pairs, 2]);
  return crossEntropy(logits, full(losses.device, [pairs], 0, 'i32'));
}

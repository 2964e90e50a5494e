/**
 * The optional L2 rescale after selection (Q-Sparse §2.1 says it in words, without a formula). The factor of a token is
 * a constant for the gradient, so the estimator stays straight-through.
 */
import {
  add,
  broadcast,
  divide,
  full,
  multiply,
  noGrad,
  sqrt,
  square,
  sum,
  type Tensor,
} from '@qsparse/core';
import type { Rescale } from './config.ts';

/**
 * selected [..., n] times 1 / ‖selected‖₂ (`unit`) or ‖dense‖₂ / ‖selected‖₂ (`preserve`), per token.
 * @param dense makes the token before selection and rounding, [..., n]; called for `preserve` alone
 */
export function rescaled(selected: Tensor, dense: () => Tensor, rescale: Exclude<Rescale, 'none'>): Tensor {
  const factor = noGrad(() => {
    const norm = normOf(selected);
    const wanted = rescale === 'unit' ? full(selected.device, norm.shape, 1, norm.dtype) : normOf(dense());
    return broadcast(divide(wanted, norm), selected.shape, 'last');
  });
  return multiply(selected, factor);
}

/** L2 norm of each token, [...]; the small constant keeps a token of zeros finite. */
function normOf(x: Tensor): Tensor {
  return sqrt(add(sum(square(x), 'last'), full(x.device, [], 1e-20, x.dtype)));
}

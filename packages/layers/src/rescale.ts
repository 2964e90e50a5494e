/**
 * The optional L2 rescale after selection. The factor of a token is a constant for the gradient: the estimator stays
 * straight-through.
 */
import {
  add,
  broadcast,
  divide,
  full,
  multiply,
  noGrad,
  rmsNorm,
  sqrt,
  square,
  sum,
  type Tensor,
} from '@qsparse/core';
import type { Rescale } from './config.ts';
import type { Site } from './linear.ts';

/** selected [..., n] times 1/‖selected‖₂ (`unit`) or ‖dense‖₂/‖selected‖₂ (`preserve`), dense being the normed x. */
export function rescaled(selected: Tensor, x: Tensor, site: Site, rescale: Exclude<Rescale, 'none'>): Tensor {
  const factor = noGrad(() => {
    const dense = site.norm ? rmsNorm(x, site.norm, { epsilon: site.epsilon }) : x;
    const norm = normOf(selected);
    const wanted = rescale === 'unit' ? full(x.device, norm.shape, 1) : normOf(dense);
    return broadcast(divide(wanted, norm), selected.shape, 'last');
  });
  return multiply(selected, factor);
}

/** L2 norm of each token, [...]; the small constant keeps a token of zeros finite. */
function normOf(x: Tensor): Tensor {
  return sqrt(add(sum(square(x), 'last'), full(x.device, [1], 1e-20)));
}

/**
 * The Q-Sparse linear layer, in two halves: a site chooses (and quantises) the inputs, once for all projections that
 * share them; a projection multiplies. Both are straight-through where they round or mask.
 */
import { matmul, type Param, rmsNorm, type Tensor } from '@qsparse/core';
import { sparsify, ternarize } from '@qsparse/quantizers';
import { type LinearConfig, selectionOf } from './config.ts';
import { rescaled } from './rescale.ts';

/** Called with what a site lets through, for statistics; it must not keep the tensor. */
export type Observe = (site: string, selected: Tensor) => void;

/** Where inputs of linear layers are selected; `name` is `layers.N.qkv`, `.o`, `.gate-up` or `.down`. */
export interface Site {
  readonly name: string;
  /** RMSNorm weight [n], fused in front of the selection; absent where the input is not normed. */
  readonly norm: Param | undefined;
  readonly epsilon: number;
}

/** x [..., n] normed, selected and quantised: same shape, at most K of n entries of a token differ from zero. */
export function selectInputs(site: Site, x: Tensor, linear: LinearConfig, observe?: Observe): Tensor {
  const { norm, epsilon } = site;
  const { k, block } = selectionOf(linear.sparsity, x.shape.at(-1)!);
  const selected = sparsify(x, {
    k,
    block,
    int8: linear.activations === 'int8',
    ste: linear.straightThrough,
    weight: norm,
    epsilon,
  });
  observe?.(site.name, selected);
  if (linear.rescale === 'none') return selected;
  return rescaled(selected, () => (norm ? rmsNorm(x, norm, { epsilon }) : x), linear.rescale);
}

/** y [..., m] = selected [..., n] · weightᵀ, weight [m, n], ternary where the config says so. */
export function project(selected: Tensor, weight: Param, linear: LinearConfig): Tensor {
  return matmul(selected, linear.weights === 'ternary' ? ternarize(weight).y : weight, { transposeB: true });
}

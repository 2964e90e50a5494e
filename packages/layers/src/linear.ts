/**
 * The Q-Sparse linear layer, in two halves: a site chooses (and quantises) the inputs, once for all projections that
 * share them; a projection multiplies. Both are straight-through where they round or mask.
 */
import {
  add,
  castStraightThrough,
  type DType,
  matmul,
  type Param,
  rmsNorm,
  type Tensor,
  ValueError,
} from '@qsparse/core';
import { gatedSparsify, type SparsifyOptions, sparsify, ternarize } from '@qsparse/quantizers';
import { type DecoderConfig, type LinearConfig, selectionOf, sparsityAt } from './config.ts';
import { type LowRankUpdate, updatedWeight } from './low-rank.ts';
import { reluGated, reluInputs } from './relu.ts';
import { rescaled } from './rescale.ts';

/**
 * Called with what a site lets through, for statistics; it must not keep the tensor. A tensor of the same shape that it
 * returns is taken in place of it, for experiments with other selections.
 */
export type Observe = (site: string, selected: Tensor) => Tensor | undefined;

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
  const isRelu = sparsityAt(linear, site.name).kind === 'relu';
  const chosen = isRelu
    ? reluInputs(site, x, linear)
    : sparsify(x, siteOptions(site, x.shape.at(-1)!, linear));
  const selected = observe?.(site.name, chosen) ?? chosen;
  if (linear.rescale === 'none') return selected;
  return rescaled(selected, () => (norm ? rmsNorm(x, norm, { epsilon }) : x), linear.rescale);
}

/**
 * The same for the middle of a gated layer: x [..., 2f] is gate, then up; h = kind(gate) ⊙ up [..., f] is normed,
 * selected and quantised without being stored.
 */
export function selectGated(
  site: Site,
  x: Tensor,
  kind: DecoderConfig['activation'],
  linear: LinearConfig,
  observe?: Observe,
): Tensor {
  if (kind === 'relu' || kind === 'drelu') return selectInputs(site, reluGated(x, kind), linear, observe);
  if (sparsityAt(linear, site.name).kind === 'relu')
    return selectInputs(site, gatedSparsify(x, { kind }), linear, observe);
  const { norm: weight, epsilon } = site;
  const chosen = gatedSparsify(x, { kind, ...siteOptions(site, x.shape.at(-1)! / 2, linear) });
  const selected = observe?.(site.name, chosen) ?? chosen;
  if (linear.rescale === 'none') return selected;
  return rescaled(selected, () => gatedSparsify(x, { kind, weight, epsilon }), linear.rescale);
}

/** What a site does with rows of `width` entries, in the words of `sparsify`. */
export function siteOptions(
  { name, norm, epsilon }: Site,
  width: number,
  linear: LinearConfig,
): SparsifyOptions {
  const { k, block } = selectionOf(sparsityAt(linear, name), width);
  const { activations, straightThrough: ste } = linear;
  return { k, block, int8: activations === 'int8', ste, weight: norm, epsilon };
}

export interface ProjectOptions {
  /** Rows of each matrix in `weight`, where it is several under one another: each has a ternary scale of its own. */
  readonly sections?: readonly number[] | undefined;
  /** [m], added to every token. */
  readonly bias?: Param | undefined;
  /** [..., m], added to the product: the residual stream. */
  readonly add?: Tensor | undefined;
  /** Added to the weight before it is rounded. */
  readonly update?: LowRankUpdate | undefined;
}

/** y [..., m] = selected [..., n] · weightᵀ (+ bias) (+ add), weight [m, n], ternary where the config says so. */
export function project(
  selected: Tensor,
  weight: Param | undefined,
  { weights }: LinearConfig,
  { sections, bias, add: summand, update }: ProjectOptions = {},
): Tensor {
  const dtype = computeDType(selected);
  if (!weight) throw new ValueError('project', 'a decoder that has packed weights alone has no others');
  const whole = update ? updatedWeight(weight, update) : weight;
  const used =
    weights === 'ternary' ? ternarize(whole, { sections: sections ?? [], dtype }).y : inCompute(whole, dtype);
  const product = matmul(selected, used, { transposeB: true, add: summand });
  return bias ? add(product, inCompute(bias, dtype)) : product;
}

/** The dtype that a model computes in, from a tensor of its stream. */
export function computeDType({ dtype }: Tensor): 'f32' | 'bf16' {
  return dtype === 'bf16' ? 'bf16' : 'f32';
}

/** A weight in the dtype of the computation; its gradient still ends in the f32 arena. */
export function inCompute(weight: Tensor, dtype: DType): Tensor {
  return dtype === 'bf16' ? castStraightThrough(weight, dtype) : weight;
}

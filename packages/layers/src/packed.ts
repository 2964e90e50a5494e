/**
 * Linear layers for generation: weights stored channel by channel, so that a token pays for the channels of its active
 * inputs alone. Ternary weights take 2 bits where activations are int8; their products are exact sums of integers.
 * Making them is in pack-decoder.ts.
 */
import { add, type Tensor } from '@qsparse/core';
import { compact, sparseGemv, ternaryGemv } from '@qsparse/quantizers';
import { type LinearConfig, selectionOf, sparsityAt } from './config.ts';
import { inCompute, type ProjectOptions, type Site } from './linear.ts';

export type PackedLinear =
  | {
      /** 2 bits a weight, for int8 activations. */
      readonly kind: 'ternary';
      /** i8 [n, channelBytes(m)] */
      readonly w: Tensor;
      /** f32 [m] */
      readonly scales: Tensor;
    }
  | {
      readonly kind: 'plain';
      /** f32, bf16 or i8 [n, m] */
      readonly w: Tensor;
      /** f32 [m]; undefined: 1. */
      readonly scales: Tensor | undefined;
    };

export interface PackedBlock {
  readonly queryKeyValue: PackedLinear;
  readonly output: PackedLinear;
  readonly gateUp: PackedLinear;
  readonly down: PackedLinear;
}

/** The linear layers of a decoder; all else stays where it is. */
export interface PackedDecoder {
  readonly blocks: readonly PackedBlock[];
  /** Sequences up to which a token of each is computed with it; from there on the dense product is faster, as measured. */
  readonly mostRows: number;
  readonly bytes: number;
  dispose(): void;
}

/** What `project` gives, from packed weights; `selected` [..., n] as `selectInputs` of the site makes it. */
export function projectPacked(
  { name }: Site,
  selected: Tensor,
  weight: PackedLinear,
  linear: LinearConfig,
  { bias, add: summand }: Pick<ProjectOptions, 'bias' | 'add'> = {},
): Tensor {
  const width = selected.shape.at(-1)!;
  const { k, block } = selectionOf(sparsityAt(linear, name), width);
  const list = compact(selected, { k: block ? k * (width / block) : k, int8: weight.kind === 'ternary' });
  const dtype = selected.dtype === 'bf16' ? 'bf16' : 'f32';
  const options = { add: summand, dtype } as const;
  const product =
    weight.kind === 'ternary'
      ? ternaryGemv(list, weight, options)
      : sparseGemv(list, weight.w, { ...options, scales: weight.scales });
  return bias ? add(product, inCompute(bias, dtype)) : product;
}

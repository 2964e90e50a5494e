/**
 * Linear layers for generation: weights stored channel by channel, so that a token pays for the channels of its active
 * inputs alone. Ternary weights take 2 bits where activations are int8; their products are exact sums of integers.
 * Making them is in pack-decoder.ts.
 */
import { add, type Tensor } from '@qsparse/core';
import {
  type ChannelList,
  compact,
  gatedSparsifyList,
  type Int8Table,
  sparseGemv,
  sparsifyList,
  ternaryGemv,
} from '@qsparse/quantizers';
import { type DecoderConfig, type LinearConfig, selectionOf, sparsityAt } from './config.ts';
import {
  inCompute,
  type ProjectOptions,
  type Site,
  selectGated,
  selectInputs,
  siteOptions,
} from './linear.ts';

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

export interface PackedVocabulary {
  readonly embedding: Int8Table;
  readonly head: Int8Table;
}

/** The linear layers and the head of a decoder; all else stays where it is. */
export interface PackedDecoder {
  readonly blocks: readonly PackedBlock[];
  /** [V, d] in what the model computes in, where its own is f32; undefined: its own. */
  readonly head: Tensor | undefined;
  /** Embedding and head in int8, where that was asked for; tied ones are the same. */
  readonly vocabulary: PackedVocabulary | undefined;
  /** Several tokens of a sequence too are computed with it: the device has a product for many rows, faster than the dense one. */
  readonly prompts: boolean;
  /** Sequences up to which a token of each is computed with it; from there on the dense product is faster, as measured. */
  readonly mostRows: number;
  /** The decoder has no other linear weights: everything is computed with these. */
  readonly isWhole: boolean;
  readonly bytes: number;
  dispose(): void;
}

/** What a site lets through to a packed weight: x [..., n] normed, selected and quantised, as the list of its channels. */
export function selectChannels(
  site: Site,
  x: Tensor,
  weight: PackedLinear,
  linear: LinearConfig,
): ChannelList {
  const width = x.shape.at(-1)!;
  return isOneOp(site, weight, linear)
    ? sparsifyList(x, siteOptions(site, width, linear))
    : channelsOf(selectInputs(site, x, linear), site, weight, linear);
}

/** The same for the middle of a gated layer, x [..., 2f]. */
export function selectGatedChannels(
  site: Site,
  x: Tensor,
  kind: DecoderConfig['activation'],
  weight: PackedLinear,
  linear: LinearConfig,
): ChannelList {
  const width = x.shape.at(-1)! / 2;
  return kind !== 'relu' && kind !== 'drelu' && isOneOp(site, weight, linear)
    ? gatedSparsifyList(x, { kind, ...siteOptions(site, width, linear) })
    : channelsOf(selectGated(site, x, kind, linear), site, weight, linear);
}

/** Whether selecting and listing are one op: a rescaled or thresholded row is made dense first. */
function isOneOp({ name }: Site, { kind }: PackedLinear, linear: LinearConfig): boolean {
  const { activations, rescale } = linear;
  return (
    rescale === 'none' &&
    sparsityAt(linear, name).kind !== 'relu' &&
    (activations === 'int8') === (kind === 'ternary')
  );
}

function channelsOf(
  selected: Tensor,
  { name }: Site,
  { kind }: PackedLinear,
  linear: LinearConfig,
): ChannelList {
  const width = selected.shape.at(-1)!;
  const { k, block } = selectionOf(sparsityAt(linear, name), width);
  return compact(selected, { k: block ? k * (width / block) : k, int8: kind === 'ternary' });
}

/** What `project` gives, from packed weights and a list that was selected for them; `dtype` of the stream. */
export function projectPacked(
  list: ChannelList,
  weight: PackedLinear,
  dtype: 'f32' | 'bf16',
  { bias, add: summand }: Pick<ProjectOptions, 'bias' | 'add'> = {},
): Tensor {
  const options = { add: summand, dtype } as const;
  const product =
    weight.kind === 'ternary'
      ? ternaryGemv(list, weight, options)
      : sparseGemv(list, weight.w, { ...options, scales: weight.scales });
  return bias ? add(product, inCompute(bias, dtype)) : product;
}

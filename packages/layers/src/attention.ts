/** Causal self-attention with grouped key-value heads, rotary positions and an optional sliding window. */
import {
  attention,
  kvAppend,
  type Param,
  type RotaryHeads,
  reshape,
  rmsNorm,
  rope,
  ropeAttentionFactor,
  rotaryHeads,
  rotaryHeadsAppend,
  slice,
  type Tensor,
} from '@qsparse/core';
import type { DecoderConfig } from './config.ts';
import { computeDType, type Observe, project, type Site, selectInputs } from './linear.ts';
import type { LowRankUpdate } from './low-rank.ts';
import { type PackedBlock, projectPacked, selectChannels } from './packed.ts';

export interface AttentionLayer {
  readonly queryKeyValue: Param | undefined; // [(H + 2 G) D, d]: query heads, key heads, value heads; undefined: packed alone
  readonly output: Param | undefined; // [d, H D]
  readonly queryKeyValueBias?: Param | undefined; // [(H + 2 G) D]
  readonly outputBias?: Param | undefined; // [d]
  /** What an adapter adds to the weights. */
  readonly queryKeyValueUpdate?: LowRankUpdate | undefined;
  readonly outputUpdate?: LowRankUpdate | undefined;
  /** RMSNorm weights [D] of query and key heads, before the rotation. */
  readonly headNorms?: HeadNorms | undefined;
  /** Tokens that a position of this layer sees, 0 for all; default: the config's sliding window. */
  readonly window?: number | undefined;
  readonly inputSite: Site;
  readonly outputSite: Site;
}

export interface HeadNorms {
  readonly query: Param;
  readonly key: Param;
}

/** Keys and values that a layer has seen, [B, room, G, D]. */
export interface LayerCache {
  readonly keys: Tensor;
  readonly values: Tensor;
  /** i32 [1] or [B]: position of the call's first token; on the device, so that a captured step can be replayed. */
  readonly position: Tensor;
  /** Like `position`: where that token's key goes. Another tensor only where older keys have been moved away. */
  readonly place: Tensor;
}

/** The past of a decoder: one cache a layer, at one position or at one for each sequence. */
export interface KeyValueCache {
  readonly layers: readonly LayerCache[];
  /** The one that the layers hold: tokens before the next call. Moved by `seek`. */
  readonly position: Tensor;
  /**
   * Before each call: how many tokens come before it, for all sequences or for each, and how many it has of a sequence.
   * Throws ValueError for more than there is room for, and for a place whose keys are gone (of a sliding window).
   */
  seek(position: number | readonly number[], length: number): void;
  /** Whether what a call at `position` sees of earlier calls is still there; `seek` throws where it is not. */
  reaches(position: number): boolean;
  /**
   * One sequence of a cache whose sequences have positions of their own, on the same memory. Owned by the caller, who
   * disposes it before the whole.
   */
  row(index: number): KeyValueCache;
  dispose(): void;
}

export interface AttentionOptions {
  readonly cache?: LayerCache | undefined;
  /** i32 [B, T]: the first position that each sees, where documents share a row; absent: all before it. */
  readonly first?: Tensor | undefined;
  readonly observe?: Observe | undefined;
  /** The layer's weights in place of its own; nothing is observed then. */
  readonly packed?: PackedBlock | undefined;
}

/** x [B, T, d] → x + the layer [B, T, d]. `ropeTable` [context, D / 2, 2]. */
export function selfAttention(
  layer: AttentionLayer,
  x: Tensor,
  config: DecoderConfig,
  ropeTable: Tensor,
  { cache, first, observe, packed }: AttentionOptions = {},
): Tensor {
  const { heads, keyValueHeads, headSize, slidingWindow, ropeScaling, linear } = config;
  const [batch, length] = x.shape as [number, number, number];
  const dtype = computeDType(x);
  const widths = [heads * headSize, keyValueHeads * headSize, keyValueHeads * headSize];
  const bias = layer.queryKeyValueBias;
  // One selection for q, k and v.
  const projected = packed
    ? projectPacked(
        selectChannels(layer.inputSite, x, packed.queryKeyValue, linear),
        packed.queryKeyValue,
        dtype,
        { bias },
      )
    : project(selectInputs(layer.inputSite, x, linear, observe), layer.queryKeyValue, linear, {
        sections: widths,
        bias,
        update: layer.queryKeyValueUpdate,
      }); // [B, T, (H + 2 G) D]
  const { query, key, value } = placedHeads(layer, projected, config, ropeTable, cache);
  const mixed = attention(query, key, value, {
    scale: ropeAttentionFactor(ropeScaling) ** 2 / Math.sqrt(headSize),
    window: layer.window ?? slidingWindow,
    position: cache?.place,
    first,
  }); // [B, T, H, D]
  const joined = reshape(mixed, [batch, length, heads * headSize]);
  const rest = { bias: layer.outputBias, add: x };
  if (packed) {
    const channels = selectChannels(layer.outputSite, joined, packed.output, linear);
    return projectPacked(channels, packed.output, dtype, rest);
  }
  const outputs = selectInputs(layer.outputSite, joined, linear, observe);
  return project(outputs, layer.output, linear, { ...rest, update: layer.outputUpdate });
}

/** Queries of x, and the keys and values that they see: those of the cache with x's own in it, or x's own. */
function placedHeads(
  { headNorms }: AttentionLayer,
  projected: Tensor,
  config: DecoderConfig,
  ropeTable: Tensor,
  cache: LayerCache | undefined,
): RotaryHeads {
  const { heads, keyValueHeads } = config;
  if (!cache) {
    return headNorms
      ? normedRotaryHeads(projected, headNorms, config, ropeTable, undefined)
      : rotaryHeads(projected, ropeTable, { heads, keyValueHeads });
  }
  const { keys, values, position, place } = cache;
  if (!headNorms) {
    const query = rotaryHeadsAppend(projected, ropeTable, cache, { heads, keyValueHeads, position });
    return { query, key: keys, value: values };
  }
  const { query, key, value } = normedRotaryHeads(projected, headNorms, config, ropeTable, position);
  kvAppend(keys, key, place);
  kvAppend(values, value, place);
  return { query, key: keys, value: values };
}

/** What rotaryHeads does, with query and key heads normed before they are turned; seven launches in place of one. */
function normedRotaryHeads(
  projected: Tensor,
  norms: HeadNorms,
  { heads, keyValueHeads, headSize, normEpsilon: epsilon }: DecoderConfig,
  ropeTable: Tensor,
  position: Tensor | undefined,
): RotaryHeads {
  const part = (first: number, count: number): Tensor =>
    reshape(slice(projected, 2, first * headSize, count * headSize), [
      ...projected.shape.slice(0, 2),
      count,
      headSize,
    ]);
  return {
    query: rope(rmsNorm(part(0, heads), norms.query, { epsilon }), ropeTable, { position }),
    key: rope(rmsNorm(part(heads, keyValueHeads), norms.key, { epsilon }), ropeTable, { position }),
    value: part(heads + keyValueHeads, keyValueHeads),
  };
}

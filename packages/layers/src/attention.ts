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
  slice,
  type Tensor,
} from '@qsparse/core';
import type { DecoderConfig } from './config.ts';
import { type Observe, project, type Site, selectInputs } from './linear.ts';

export interface AttentionLayer {
  readonly queryKeyValue: Param; // [(H + 2 G) D, d]: query heads, key heads, value heads
  readonly output: Param; // [d, H D]
  readonly queryKeyValueBias?: Param | undefined; // [(H + 2 G) D]
  readonly outputBias?: Param | undefined; // [d]
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

/** Keys and values that a layer has seen, [B, capacity, G, D]. */
export interface LayerCache {
  readonly keys: Tensor;
  readonly values: Tensor;
  /** i32 [1]: where the first token of the call goes; on the device, so that a captured step can be replayed. */
  readonly position: Tensor;
}

/** The past of a decoder: one cache a layer, at one position. */
export interface KeyValueCache {
  readonly layers: readonly LayerCache[];
  /** The one that the layers hold: tokens before the next call. `write` it before each. */
  readonly position: Tensor;
  dispose(): void;
}

/** x [B, T, d] → x + the layer [B, T, d]. `ropeTable` [context, D / 2, 2]. */
export function selfAttention(
  layer: AttentionLayer,
  x: Tensor,
  config: DecoderConfig,
  ropeTable: Tensor,
  {
    cache,
    observe,
  }: { readonly cache?: LayerCache | undefined; readonly observe?: Observe | undefined } = {},
): Tensor {
  const { heads, keyValueHeads, headSize, slidingWindow, ropeScaling, linear } = config;
  const [batch, length] = x.shape as [number, number, number];
  const position = cache?.position;
  const inputs = selectInputs(layer.inputSite, x, linear, observe); // one selection for q, k and v
  const widths = [heads * headSize, keyValueHeads * headSize, keyValueHeads * headSize];
  const projected = project(inputs, layer.queryKeyValue, linear, {
    sections: widths,
    bias: layer.queryKeyValueBias,
  }); // [B, T, (H + 2 G) D]
  const { query, key, value } = layer.headNorms
    ? normedRotaryHeads(projected, layer.headNorms, config, ropeTable, position)
    : rotaryHeads(projected, ropeTable, { heads, keyValueHeads, position });
  if (cache) {
    kvAppend(cache.keys, key, cache.position);
    kvAppend(cache.values, value, cache.position);
  }
  const mixed = attention(query, cache?.keys ?? key, cache?.values ?? value, {
    scale: ropeAttentionFactor(ropeScaling) ** 2 / Math.sqrt(headSize),
    window: layer.window ?? slidingWindow,
    position,
  }); // [B, T, H, D]
  const joined = reshape(mixed, [batch, length, heads * headSize]);
  return project(selectInputs(layer.outputSite, joined, linear, observe), layer.output, linear, {
    bias: layer.outputBias,
    add: x,
  });
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

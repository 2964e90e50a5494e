/** Causal self-attention with grouped key-value heads, rotary positions and an optional sliding window. */
import {
  attention,
  kvAppend,
  type Param,
  reshape,
  rope,
  ropeAttentionFactor,
  type Tensor,
} from '@qsparse/core';
import type { DecoderConfig } from './config.ts';
import { type Observe, project, type Site, selectInputs } from './linear.ts';

export interface AttentionLayer {
  readonly query: Param; // [H D, d]
  readonly key: Param; // [G D, d]
  readonly value: Param; // [G D, d]
  readonly output: Param; // [d, H D]
  readonly inputSite: Site;
  readonly outputSite: Site;
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

/** x [B, T, d] → [B, T, d], without the residual. `ropeTable` [context, D / 2, 2]. */
export function selfAttention(
  layer: AttentionLayer,
  x: Tensor,
  { heads, keyValueHeads, headSize, slidingWindow, ropeScaling, linear }: DecoderConfig,
  ropeTable: Tensor,
  {
    cache,
    observe,
  }: { readonly cache?: LayerCache | undefined; readonly observe?: Observe | undefined } = {},
): Tensor {
  const [batch, length] = x.shape as [number, number, number];
  const position = cache?.position;
  const inputs = selectInputs(layer.inputSite, x, linear, observe); // one selection for q, k and v
  const split = (weight: Param, count: number): Tensor =>
    reshape(project(inputs, weight, linear), [batch, length, count, headSize]);
  const queries = rope(split(layer.query, heads), ropeTable, { position }); // [B, T, H, D]
  const keys = rope(split(layer.key, keyValueHeads), ropeTable, { position }); // [B, T, G, D]
  const values = split(layer.value, keyValueHeads);
  if (cache) {
    kvAppend(cache.keys, keys, cache.position);
    kvAppend(cache.values, values, cache.position);
  }
  const mixed = attention(queries, cache?.keys ?? keys, cache?.values ?? values, {
    scale: ropeAttentionFactor(ropeScaling) ** 2 / Math.sqrt(headSize),
    window: slidingWindow,
    position,
  }); // [B, T, H, D]
  const joined = reshape(mixed, [batch, length, heads * headSize]);
  return project(selectInputs(layer.outputSite, joined, linear, observe), layer.output, linear);
}

/** Causal self-attention with grouped key-value heads, rotary positions and an optional sliding window. */
import { attention, kvAppend, type Param, reshape, rope, type Tensor } from '@qsparse/core';
import type { DecoderConfig } from './config.ts';
import { type Observe, project, type Site, select } from './linear.ts';

export interface AttentionLayer {
  readonly query: Param; // [H D, d]
  readonly key: Param; // [G D, d]
  readonly value: Param; // [G D, d]
  readonly output: Param; // [d, H D]
  readonly inputSite: Site;
  readonly outputSite: Site;
}

/** Keys and values of one layer, [B, capacity, G, D]. */
export interface LayerCache {
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** What the positions of a call need: the rotary table, and for decoding where the tokens go in the caches. */
export interface Positions {
  readonly table: Tensor;
  /** i32 [1]: the position of the first token of the call; absent when it is 0 and there is no cache. */
  readonly position?: Tensor;
}

/** x [B, T, d] → [B, T, d], without the residual. */
export function selfAttention(
  layer: AttentionLayer,
  x: Tensor,
  { heads, keyValueHeads, headSize, slidingWindow, linear }: DecoderConfig,
  positions: Positions,
  cache?: LayerCache,
  observe?: Observe,
): Tensor {
  const [batch, length] = x.shape as [number, number, number];
  const normed = select(layer.inputSite, x, linear, observe); // one selection for q, k and v
  const q = reshape(project(normed, layer.query, linear), [batch, length, heads, headSize]);
  const k = reshape(project(normed, layer.key, linear), [batch, length, keyValueHeads, headSize]);
  const v = reshape(project(normed, layer.value, linear), [batch, length, keyValueHeads, headSize]);
  const { table, position } = positions;
  const rotate = (t: Tensor) => rope(t, table, { ...(position && { position }) });
  const [queries, keys] = [rotate(q), rotate(k)];
  if (cache) {
    kvAppend(cache.keys, keys, position!);
    kvAppend(cache.values, v, position!);
  }
  const mixed = attention(queries, cache?.keys ?? keys, cache?.values ?? v, {
    window: slidingWindow,
    ...(cache && position && { position }),
  }); // [B, T, H, D]
  const joined = reshape(mixed, [batch, length, heads * headSize]);
  return project(select(layer.outputSite, joined, linear, observe), layer.output, linear);
}

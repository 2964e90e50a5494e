/** Room for keys and values, allocated once; a call writes to it from a position that lives on the device. */
import { keep, tensor, ValueError, zeros } from '@qsparse/core';
import type { KeyValueCache } from './attention.ts';
import type { Decoder } from './decoder.ts';

/**
 * A cache for `batch` sequences of up to `capacity` tokens (default and most: the context length), at position 0.
 * Owned by the caller. Throws ValueError for a capacity that does not fit.
 */
export function createCache(
  model: Decoder,
  batch: number,
  capacity: number = model.config.contextLength,
): KeyValueCache {
  const { keyValueHeads, headSize, contextLength } = model.config;
  if (!(Number.isInteger(capacity) && capacity >= 1 && capacity <= contextLength)) {
    throw new ValueError(
      'createCache',
      `capacity must be from 1 to the context length ${contextLength}, got ${capacity}`,
    );
  }
  const room = () => keep(zeros(model.device, [batch, capacity, keyValueHeads, headSize], model.compute));
  const position = keep(tensor(model.device, [0], [1], 'i32'));
  const layers = model.blocks.map(() => ({ keys: room(), values: room(), position }));
  return {
    layers,
    position,
    dispose() {
      for (const { keys, values } of layers) {
        keys.dispose();
        values.dispose();
      }
      position.dispose();
    },
  };
}

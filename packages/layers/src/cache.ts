/** Room for keys and values, allocated once; decoding writes to it at a position that lives on the device. */
import { keep, tensor, zeros } from '@qsparse/core';
import type { Decoder, KeyValueCache } from './decoder.ts';

/** A cache for `batch` sequences of up to `capacity` tokens (default: the context length). Owned by the caller. */
export function createCache(
  model: Decoder,
  batch: number,
  capacity: number = model.config.contextLength,
): KeyValueCache & { dispose(): void } {
  const { keyValueHeads, headSize } = model.config;
  const room = () => keep(zeros(model.device, [batch, capacity, keyValueHeads, headSize]));
  const layers = model.blocks.map(() => ({ keys: room(), values: room() }));
  const position = keep(tensor(model.device, [0], [1], 'i32'));
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

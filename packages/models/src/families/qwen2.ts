/** Qwen 1.5, 2 and 2.5: Llama with biases on q, k and v, and a sliding window that files usually switch off. */
import type { ObjectReader } from '@qsparse/formats';
import type { DecoderConfig } from '@qsparse/layers';
import type { Family } from './family.ts';
import { parseLayerTypes, parseShared, SHARED_KEYS, unlessNull } from './hugging-face.ts';

/** Keys that `parseQwenWindow` reads. */
export const WINDOW_KEYS: readonly string[] = [
  'use_sliding_window',
  'sliding_window',
  'max_window_layers',
  'layer_types',
];

export const qwen2: Family = {
  modelType: 'qwen2',
  keys: [...SHARED_KEYS, ...WINDOW_KEYS],
  parse(reader) {
    const shared = parseShared(reader, {
      contextLength: 32_768,
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      activation: 'silu',
      keyValueHeads: 32,
    });
    return { ...shared, ...parseQwenWindow(reader), biases: ['qkv'] };
  },
};

/** The window of the layers from `max_window_layers` on, or of those that `layer_types` names. */
export function parseQwenWindow(
  reader: ObjectReader,
): Pick<DecoderConfig, 'slidingWindow' | 'slidingLayers'> {
  const isOn = reader.boolean('use_sliding_window', { fallback: false });
  const fallback = unlessNull(reader, 'sliding_window', 4096) ?? 0;
  const window = isOn ? reader.positiveInteger('sliding_window', { fallback }) : 0;
  const fullLayers = reader.integer('max_window_layers', { min: 0, fallback: 28 });
  const layers = reader.positiveInteger('num_hidden_layers');
  const sliding =
    parseLayerTypes(reader) ?? Array.from({ length: layers }, (_, i) => window > 0 && i >= fullLayers);
  if (window === 0 && sliding.includes(true))
    throw reader.invalid('layer_types', 'without sliding_attention while there is no sliding window');
  if (!sliding.includes(true)) return { slidingWindow: 0 };
  return { slidingWindow: window, ...(sliding.includes(false) && { slidingLayers: sliding }) };
}

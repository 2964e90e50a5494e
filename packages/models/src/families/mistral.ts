/** Mistral: Llama with grouped key-value heads and, in its first version, a sliding window in every layer. */
import type { Family } from './family.ts';
import { parseShared, SHARED_KEYS, unlessNull } from './hugging-face.ts';

export const mistral: Family = {
  modelType: 'mistral',
  keys: [...SHARED_KEYS, 'sliding_window'],
  parse(reader) {
    const shared = parseShared(reader, {
      contextLength: 131_072,
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      activation: 'silu',
      keyValueHeads: 8,
    });
    // Absent it is 4096; null switches it off.
    const fallback = unlessNull(reader, 'sliding_window', 4096) ?? 0;
    return { ...shared, slidingWindow: reader.positiveInteger('sliding_window', { fallback }) };
  },
};

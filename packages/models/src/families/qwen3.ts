/** Qwen3, dense: Llama with RMSNorm on query and key heads, and heads of a size of their own. */
import type { Family } from './family.ts';
import { parseBiases, parseShared, SHARED_KEYS } from './hugging-face.ts';
import { parseQwenWindow, WINDOW_KEYS } from './qwen2.ts';

export const qwen3: Family = {
  modelType: 'qwen3',
  keys: [...SHARED_KEYS, ...WINDOW_KEYS, 'attention_bias'],
  parse(reader) {
    const shared = parseShared(reader, {
      contextLength: 32_768,
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      activation: 'silu',
      keyValueHeads: 32,
      headSize: 128,
    });
    return { ...shared, ...parseQwenWindow(reader), ...parseBiases(reader), queryKeyNorm: true };
  },
};

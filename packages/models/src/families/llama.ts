/** Llama 1 to 3, and what is stored as Llama: SmolLM, TinyLlama, Yi, ternary Llama. */
import type { Family } from './family.ts';
import { parseBiases, parseShared, SHARED_KEYS } from './hugging-face.ts';

export const llama: Family = {
  modelType: 'llama',
  keys: [...SHARED_KEYS, 'attention_bias', 'mlp_bias'],
  parse(reader) {
    const defaults = {
      contextLength: 2048,
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      activation: 'silu',
    } as const;
    return { ...parseShared(reader, defaults), ...parseBiases(reader) };
  },
};

/**
 * BitNet b1.58 (arXiv 2504.12285): squared ReLU in the gated feed-forward layer, RMSNorm before the output and down
 * projections too. Its `quantization_config` says how the ternary weights are stored; without one they are plain.
 */
import type { Family } from './family.ts';
import { parseBiases, parseShared, SHARED_KEYS } from './hugging-face.ts';

export const bitnet: Family = {
  modelType: 'bitnet',
  keys: [...SHARED_KEYS, 'attention_bias'],
  parse(reader) {
    const shared = parseShared(reader, {
      contextLength: 2048,
      normEpsilon: 1e-5,
      ropeTheta: 500_000,
      activation: 'relu2',
      keyValueHeads: 5,
    });
    return { ...shared, ...parseBiases(reader), subLayerNorms: true };
  },
};

/** A small ternary top-K decoder for tests. */
import type { Device } from '@qsparse/core';
import {
  createDecoder,
  type Decoder,
  type DecoderConfig,
  initialize,
  type LinearConfig,
} from '@qsparse/layers';

export const TINY: DecoderConfig = {
  vocabularySize: 19,
  hiddenSize: 8,
  intermediateSize: 16,
  layers: 2,
  heads: 2,
  keyValueHeads: 1,
  headSize: 4,
  contextLength: 8,
  slidingWindow: 0,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
  activation: 'squared-relu',
  subLayerNorms: true,
  tiedEmbedding: false,
  linear: {
    sparsity: { kind: 'top-k', sparsity: 0.5 },
    weights: 'ternary',
    activations: 'int8',
    straightThrough: true,
    rescale: 'none',
  },
};

export function tinyDecoder(device: Device, linear: Partial<LinearConfig> = {}): Decoder {
  const model = createDecoder(device, { ...TINY, linear: { ...TINY.linear, ...linear } });
  initialize(model, 2);
  return model;
}

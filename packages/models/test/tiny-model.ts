/** Small decoders for tests. */
import { type Device, normal, write } from '@qsparse/core';
import {
  type ComputeDType,
  createDecoder,
  DENSE,
  type Decoder,
  type DecoderConfig,
  initialize,
  type LinearConfig,
} from '@qsparse/layers';

export const TINY: DecoderConfig = {
  vocabularySize: 23,
  hiddenSize: 8,
  intermediateSize: 12,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headSize: 2,
  contextLength: 16,
  slidingWindow: 0,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
  activation: 'squared-relu',
  subLayerNorms: true,
  tiedEmbedding: false,
  linear: DENSE,
};

export const TERNARY_TOP_K: LinearConfig = {
  sparsity: { kind: 'top-k', sparsity: 0.6 },
  weights: 'ternary',
  activations: 'int8',
  straightThrough: true,
  rescale: 'none',
};

export function tinyModel(
  device: Device,
  overrides: Partial<DecoderConfig> = {},
  compute: ComputeDType = 'f32',
): Decoder {
  const model = createDecoder(device, { ...TINY, ...overrides }, { compute });
  initialize(model, 3);
  // Far from first values, so that every part of the model moves the logits.
  for (const param of model.arena.params.values())
    if (param.shape.length === 2)
      write(
        param,
        normal(3, param.offset, param.size).map((z) => 0.7 * z),
      );
  return model;
}

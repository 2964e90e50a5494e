/** Small decoders for tests. */
import { type Device, type Tensor, tensor, write } from '@qsparse/core';
import {
  type ComputeDType,
  createDecoder,
  DENSE,
  type Decoder,
  type DecoderConfig,
  initialize,
} from '@qsparse/layers';

export const TINY: DecoderConfig = {
  vocabularySize: 11,
  hiddenSize: 8,
  intermediateSize: 12,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headSize: 4, // not hiddenSize / heads: the o site has its own width, 16
  contextLength: 10,
  slidingWindow: 0,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
  activation: 'squared-relu',
  subLayerNorms: true,
  tiedEmbedding: false,
  linear: DENSE,
};

export function tinyModel(
  device: Device,
  overrides: Partial<DecoderConfig> = {},
  compute: ComputeDType = 'f32',
): Decoder {
  const model = createDecoder(device, { ...TINY, ...overrides }, { compute });
  initialize(model, 1);
  for (const [name, param] of model.arena.params) {
    // Biases begin as zeros, which would hide a wrong place for them.
    if (name.endsWith('.bias'))
      write(
        param,
        Array.from({ length: param.size }, (_, i) => Math.sin(5 * i + name.length) / 20),
      );
  }
  return model;
}

/** i32 [rows, length]: numbers that differ from row to row. */
export function someTokens(device: Device, rows: number, length: number, vocabulary: number = 11): Tensor {
  const ids = Int32Array.from({ length: rows * length }, (_, i) => (7 * i + 3 * (i >> 3) + 1) % vocabulary);
  return tensor(device, ids, [rows, length], 'i32');
}

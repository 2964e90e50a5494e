/** A small random model and text, ready to be measured. */
import { normal, write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { evaluationBatches } from '@qsparse/data';
import { createDecoder, DENSE, type DecoderConfig, initialize } from '@qsparse/layers';
import type { Calibration } from '../../src/convert/calibration.ts';

const CONFIG: DecoderConfig = {
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
  activation: 'silu',
  subLayerNorms: false,
  tiedEmbedding: false,
  linear: DENSE,
};

export function tinyCalibration(signal: AbortSignal = new AbortController().signal): Calibration {
  const model = createDecoder(referenceDevice(), CONFIG);
  initialize(model, 3);
  for (const param of model.arena.params.values())
    if (param.shape.length === 2)
      write(
        param,
        normal(3, param.offset, param.size).map((z) => 0.5 * z),
      );
  const tokens = Uint16Array.from({ length: 33 }, (_, i) => (i * i + 5 * i) % 19);
  const batches = [...evaluationBatches(tokens, { rowLength: 8, batchSize: 2 })];
  return { model, config: CONFIG, batches, tokens: 32, signal };
}

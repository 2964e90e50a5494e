/** A random model with ternary weights in rows of whole blocks, as a folder with the tokenizer of stories260K. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { normal, write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { createDecoder, DENSE, type DecoderConfig, initialize } from '@qsparse/layers';
import { saveModel } from 'qsparse/node';
import { openSource, sourceTokenizer } from '../../src/convert/source.ts';

export const STORIES: string = fileURLToPath(
  new URL('../../../../packages/models/test/fixtures/stories260k/stories260K.bin', import.meta.url),
);

let made = 0;

/** Of llama.cpp's architecture `llama`, or with sub-layer norms `bitnet`. @param parent where the folder is made */
export async function blockModel(parent: string, subLayerNorms: boolean = false): Promise<string> {
  const device = referenceDevice();
  const tokenizer = (await sourceTokenizer(await openSource(STORIES)))!;
  const config: DecoderConfig = {
    vocabularySize: tokenizer.vocabularySize,
    hiddenSize: 256,
    intermediateSize: 256,
    layers: 2,
    heads: 4,
    keyValueHeads: 2,
    headSize: 64,
    contextLength: 256,
    slidingWindow: 0,
    ropeTheta: 10_000,
    normEpsilon: 1e-5,
    activation: 'silu',
    subLayerNorms,
    // As llama.cpp's architecture of models with such norms has it.
    tiedEmbedding: subLayerNorms,
    linear: { ...DENSE, weights: 'ternary' },
  };
  const model = createDecoder(device, config);
  initialize(model, 5);
  // Far from uniform, so that the likeliest token is no matter of rounding.
  for (const [name, param] of model.arena.params)
    if (param.shape.length === 2)
      write(
        param,
        normal(5, param.offset, param.size).map((z) => (name.startsWith('lm_head') ? z : 0.1 * z)),
      );
  const path = join(parent, `ternary-${made++}`);
  await saveModel(path, model, tokenizer);
  model.dispose();
  return path;
}

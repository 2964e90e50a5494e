/** A tiny model folder with random weights and a chat template of our own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { referenceDevice } from '@qsparse/core/reference';
import { createByteTokenizer } from '@qsparse/data';
import { createDecoder, DENSE, type DecoderConfig, initialize } from '@qsparse/layers';
import { saveModel } from 'qsparse/node';

export const TEMPLATE = [
  "{% for message in messages %}{{ '<|' + message.role + '|>' + message.content + '<|end|>' }}{% endfor %}",
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
].join('');

export const CONTEXT = 512;

export const SPECIAL = ['<|endoftext|>', '<|end|>', '<|system|>', '<|user|>', '<|assistant|>'];

export const CONFIG: DecoderConfig = {
  vocabularySize: 256 + SPECIAL.length,
  hiddenSize: 8,
  intermediateSize: 16,
  layers: 1,
  heads: 2,
  keyValueHeads: 1,
  headSize: 4,
  contextLength: CONTEXT,
  slidingWindow: 0,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
  activation: 'squared-relu',
  subLayerNorms: false,
  tiedEmbedding: false,
  linear: DENSE,
};

/** The folder that was written. */
export async function saveChatModel(path: string, template: string | undefined = TEMPLATE): Promise<string> {
  const model = createDecoder(referenceDevice(), CONFIG);
  initialize(model, 1);
  await saveModel(path, model, createByteTokenizer({ specialTokens: SPECIAL }));
  if (template) writeFileSync(join(path, 'chat_template.jinja'), template);
  return path;
}

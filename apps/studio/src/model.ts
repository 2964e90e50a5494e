/** What the page trains: the tiny preset of `qsparse train` with a smaller vocabulary, which is learned while it opens. */
import { type Tokenizer, type Tokens, tokenizeDocuments, trainBpe } from '@qsparse/data';
import type { DecoderConfig } from '@qsparse/layers';

export const CONFIG: Omit<DecoderConfig, 'vocabularySize'> = {
  hiddenSize: 128,
  intermediateSize: 384,
  layers: 4,
  heads: 4,
  keyValueHeads: 4,
  headSize: 32,
  contextLength: 128,
  slidingWindow: 0,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
  activation: 'squared-relu',
  subLayerNorms: true,
  tiedEmbedding: true,
  linear: {
    sparsity: { kind: 'top-k', sparsity: 0.6 },
    weights: 'ternary',
    activations: 'int8',
    straightThrough: true,
    rescale: 'none',
  },
};
export const PEAK_LEARNING_RATE = 4e-3;
const VOCABULARY = 512;

export interface Corpus {
  readonly tokenizer: Tokenizer;
  readonly tokens: Tokens;
}

export async function prepareCorpus(text: string): Promise<Corpus> {
  const tokenizer = await trainBpe([text], { vocabSize: VOCABULARY });
  return { tokenizer, tokens: await tokenizeDocuments([text], tokenizer) };
}

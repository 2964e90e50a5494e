/** A tiny model with random weights that are large enough to have opinions, and scores made without the scorers. */
import { tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { createByteTokenizer, type Tokenizer } from '@qsparse/data';
import { createDecoder, DENSE, type Decoder, type DecoderConfig, initialize, logits } from '@qsparse/layers';
import type { Pair } from '../../src/eval/item.ts';

export const TINY: DecoderConfig = {
  vocabularySize: 257,
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 2,
  keyValueHeads: 1,
  headSize: 8,
  contextLength: 96,
  slidingWindow: 0,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
  activation: 'squared-relu',
  subLayerNorms: false,
  tiedEmbedding: false,
  linear: { ...DENSE, sparsity: { kind: 'top-k', sparsity: 0.5 } },
};

export function tinyModel(config: DecoderConfig = TINY): { model: Decoder; tokenizer: Tokenizer } {
  const model = createDecoder(referenceDevice(), config);
  initialize(model, 3);
  return { model, tokenizer: createByteTokenizer() };
}

/** One token after the other, each from a forward pass of its own, log softmax in plain loops. */
export async function plainScore(
  model: Decoder,
  { context, continuation }: Pair,
): Promise<{ readonly logprob: number; readonly isGreedy: boolean }> {
  // The byte tokenizer's ids are the bytes; 256 ends a text.
  const before = context === '' ? [256] : [...Buffer.from(context)];
  const after = [...Buffer.from(continuation)];
  let logprob = 0;
  let isGreedy = true;
  for (const [i, target] of after.entries()) {
    const seen = [...before, ...after.slice(0, i)].slice(-model.config.contextLength);
    const out = logits(model, tensor(model.device, seen, [1, seen.length], 'i32'));
    const scores = Array.from(await out.data()).slice(-model.config.vocabularySize);
    const most = Math.max(...scores);
    const total = most + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - most), 0));
    logprob += scores[target]! - total;
    isGreedy &&= scores.indexOf(most) === target;
  }
  return { logprob, isGreedy };
}

/** Beside single tokens: how fast a prompt is read, and how several texts at once share the weights that they read. */
import type { Decoder } from '@qsparse/layers';
import { generateBatch, generateTokens, type TextCodec } from '@qsparse/models';

/** Tokens a second until the first token of the answer is there. */
export interface PromptRate {
  readonly tokens: number;
  readonly best: number;
  readonly median: number;
}

const CALLS = 4;
/** Tokens of each text before the clock starts. */
const WARM_UP = 4;

export async function timePrompt(model: Decoder, tokens: number): Promise<PromptRate> {
  const prompt = someTokens(model, tokens);
  const rates: number[] = [];
  for (let call = 0; call <= CALLS; call++) {
    const start = performance.now();
    for await (const _ of generateTokens(model, prompt, { maxTokens: 1, seed: call })) {
      // The first call warms up.
      if (call > 0) rates.push((1000 * tokens) / (performance.now() - start));
    }
  }
  rates.sort((a, b) => b - a);
  return { tokens, best: rates[0]!, median: rates[rates.length >> 1]! };
}

/** Tokens a second of `batch` texts together, each of `count` tokens after a few. */
export async function timeBatch(model: Decoder, batch: number, count: number): Promise<number> {
  const prompts = Array.from({ length: batch }, (_, i) => someTokens(model, 4, i));
  const maxTokens = count + WARM_UP;
  let [start, end, steps] = [0, 0, 0];
  for await (const { token } of generateBatch(model, NO_TEXT, prompts, { maxTokens })) {
    if (!token) continue;
    steps += 1;
    if (steps === WARM_UP * batch) start = performance.now();
    end = performance.now();
  }
  return (1000 * (steps - WARM_UP * batch)) / (end - start);
}

/** Ids stay ids. */
const NO_TEXT: TextCodec = {
  encode: () => [],
  decoder: () => ({ push: () => '', flush: () => '' }),
};

/** Another text for each `first`. */
function someTokens({ config }: Decoder, count: number, first = 0): readonly number[] {
  return Array.from({ length: count }, (_, i) => ((first + i) * 7919) % config.vocabularySize);
}

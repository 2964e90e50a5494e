/**
 * Text after a prompt, token by token: the prompt fills the key-value cache in chunks, then one captured step a token.
 * Several prompts share one cache and one step: see `generateBatch`.
 */
import type { Decoder } from '@qsparse/layers';
import { createRow, drawTokens, type EndReason } from './draw-tokens.ts';
import { checkOptions, checkPrompt, type GenerateOptions } from './generate-options.ts';
import type { GeneratedToken } from './logprobs.ts';
import { createStopText } from './stop-text.ts';

/** What generation needs of a tokenizer. */
export interface TextCodec {
  encode(text: string): ArrayLike<number>;
  /** @param options `after`: the ids that come before, which decide whether the first one begins with a space */
  decoder(options?: { readonly after?: ArrayLike<number> }): { push(id: number): string; flush(): string };
}

/** A text, or tokens: of a chat template, say. */
export type Prompt = string | ArrayLike<number>;

/** What one token adds; the last step of a text has no token and says why the text ends. */
export interface TextStep {
  /** What is sure by now: no half code point, nothing that a stop string may begin with. May be empty. */
  readonly text: string;
  readonly token?: GeneratedToken;
  readonly end?: EndReason;
}

export interface BatchStep extends TextStep {
  /** Of the prompt, from 0. */
  readonly index: number;
}

/** Pieces of text that follow `prompt`; never half a code point. Throws as `generateTokens` does. */
export async function* generate(
  model: Decoder,
  codec: TextCodec,
  prompt: Prompt,
  options: GenerateOptions = {},
): AsyncGenerator<string, void, void> {
  for await (const { text } of generateSteps(model, codec, prompt, options)) if (text) yield text;
}

/** As `generate`, with the tokens, their log probabilities and why the text ends. */
export async function* generateSteps(
  model: Decoder,
  codec: TextCodec,
  prompt: Prompt,
  options: GenerateOptions = {},
): AsyncGenerator<TextStep, void, void> {
  for await (const { index: _, ...step } of steps(model, codec, [prompt], options)) yield step;
}

/**
 * Several prompts at once, each with the text that it has alone with seed `seed + index` (to the rounding of products of
 * several rows). Texts walk in step: what a longer prompt has over the shortest one is read a token at a time while the
 * others are written. Where prompt and `maxTokens` do not fit the context together, one follows the other.
 */
export async function* generateBatch(
  model: Decoder,
  codec: TextCodec,
  prompts: readonly Prompt[],
  options: GenerateOptions = {},
): AsyncGenerator<BatchStep, void, void> {
  const { seed, maxTokens } = checkOptions(options, model);
  const ids = prompts.map((prompt) => idsOf(codec, prompt));
  for (const prompt of ids) checkPrompt(prompt, model);
  const longest = Math.max(0, ...ids.map(({ length }) => length));
  if (longest + maxTokens <= model.config.contextLength && ids.length > 0)
    return yield* steps(model, codec, ids, options);
  for (const [index, prompt] of ids.entries()) {
    for await (const step of steps(model, codec, [prompt], { ...options, seed: seed + index }))
      yield { ...step, index };
  }
}

/**
 * Tokens that follow `prompt`. A text longer than the context goes on from its newest half. Throws ValueError for an
 * option out of range, an empty prompt or one that does not fit, NonFiniteError where the model gives no distribution.
 * `stopText` is for the functions that have a tokenizer.
 */
export async function* generateTokens(
  model: Decoder,
  prompt: ArrayLike<number>,
  options: Omit<GenerateOptions, 'stopText' | 'logprobs'> = {},
): AsyncGenerator<number, void, void> {
  const settings = checkOptions(options, model);
  checkPrompt(prompt, model);
  for await (const drawn of drawTokens(model, [createRow(prompt, settings.seed)], settings))
    for (const { token } of drawn.values()) yield token;
}

async function* steps(
  model: Decoder,
  codec: TextCodec,
  prompts: readonly Prompt[],
  options: GenerateOptions,
): AsyncGenerator<BatchStep, void, void> {
  const settings = checkOptions(options, model);
  const writers = prompts.map((prompt, index) => {
    const ids = idsOf(codec, prompt);
    checkPrompt(ids, model);
    const row = createRow(ids, settings.seed + index);
    return {
      row,
      index,
      decoder: codec.decoder({ after: ids }),
      stopText: createStopText(settings.stopText),
    };
  });
  const waiting = new Set(writers);
  const rows = writers.map(({ row }) => row);
  for await (const drawn of drawTokens(model, rows, settings)) {
    for (const { row, index, decoder, stopText } of waiting) {
      const token = drawn.get(row);
      if (!token) continue;
      const text = stopText.push(decoder.push(token.token));
      if (stopText.found) row.end = 'stop';
      yield { index, text, token };
    }
    for (const writer of waiting) {
      const { row, index, decoder, stopText } = writer;
      if (!row.end) continue;
      waiting.delete(writer);
      const rest = stopText.push(decoder.flush());
      if (stopText.found) row.end = 'stop';
      yield { index, text: rest + stopText.flush(), end: row.end };
    }
  }
}

const idsOf = (codec: TextCodec, prompt: Prompt): ArrayLike<number> =>
  typeof prompt === 'string' ? codec.encode(prompt) : prompt;

/**
 * Text after a prompt, token by token: the prompt fills the key-value cache in chunks, then one captured step a token.
 * Several prompts share one cache and one step: see `generateBatch`.
 */
import type { Decoder } from '@qsparse/layers';
import { createRow, drawTokens } from './draw-tokens.ts';
import { checkOptions, checkPrompt, type GenerateOptions } from './generate-options.ts';
import { createTextWriter, idsOf, type Prompt, type TextCodec, type TextStep } from './text-writer.ts';

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
    return { row, index, writer: createTextWriter(codec, ids, settings.stopText) };
  });
  const waiting = new Set(writers);
  const rows = writers.map(({ row }) => row);
  for await (const drawn of drawTokens(model, rows, settings)) {
    for (const { row, index, writer } of waiting) {
      const token = drawn.get(row);
      if (!token) continue;
      const step = writer.add(token);
      if (writer.isStopped) row.end = 'stop';
      yield { index, ...step };
    }
    for (const one of waiting) {
      const { row, index, writer } = one;
      if (!row.end) continue;
      waiting.delete(one);
      yield { index, ...writer.end(row.end) };
    }
  }
}

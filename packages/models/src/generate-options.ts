/** Options of generation, their defaults, and what is wrong with them. */
import { ValueError } from '@qsparse/core';
import type { Decoder } from '@qsparse/layers';
import { createSampler, type Sampler, type SamplingOptions } from './sampling.ts';

export interface GenerateOptions extends SamplingOptions {
  /** Default 256. */
  readonly maxTokens?: number | undefined;
  /** Tokens that end the text; they are not returned. */
  readonly stopTokens?: readonly number[] | undefined;
  /** Ends the text where one of these begins; nothing of it is returned, also where tokens share it. */
  readonly stopText?: readonly string[] | undefined;
  /**
   * Log probabilities of each token and of so many likeliest ones, 0 for the chosen one alone: logits are read from the
   * device then. Default: none.
   */
  readonly logprobs?: number | undefined;
  /** Tokens of the prompt that are computed at once: memory for activations grows with it. Default 128. */
  readonly chunkLength?: number | undefined;
  /**
   * Ends the text without an error: what came before stays valid. Heard between two halves of a block of the model while
   * a prompt is read, and between two tokens.
   */
  readonly signal?: AbortSignal | undefined;
}

export interface GenerateSettings {
  readonly sampler: Sampler;
  readonly seed: number;
  readonly maxTokens: number;
  readonly stopTokens: readonly number[];
  readonly stopText: readonly string[];
  readonly logprobs: number | undefined;
  readonly chunkLength: number;
  readonly signal: AbortSignal | undefined;
}

/** Throws ValueError naming the option; `leastTokens` is the least `maxTokens`. */
export function checkOptions(
  {
    maxTokens = 256,
    stopTokens = [],
    stopText = [],
    logprobs,
    chunkLength = 128,
    signal,
    seed = 0,
    ...sampling
  }: GenerateOptions,
  { config }: Decoder,
  leastTokens = 1,
): GenerateSettings {
  requireWhole('maxTokens', maxTokens, leastTokens);
  requireWhole('seed', seed, 0);
  requireWhole('chunkLength', chunkLength, 1);
  if (logprobs !== undefined) requireWhole('logprobs', logprobs, 0, config.vocabularySize);
  if (!stopText.every((stop) => typeof stop === 'string' && stop !== ''))
    throw new ValueError(
      'generate',
      `stopText must be texts that are not empty, got ${JSON.stringify(stopText)}`,
    );
  const sampler = createSampler(sampling);
  return { sampler, seed, maxTokens, stopTokens, stopText, logprobs, chunkLength, signal };
}

/** Throws ValueError for a prompt that is empty, does not fit or has tokens that the model lacks. */
export function checkPrompt(
  prompt: ArrayLike<number>,
  { config }: Decoder,
  contextLength: number = config.contextLength,
): void {
  const fail = (what: string, hint: string): never => {
    throw new ValueError('generate', what, hint);
  };
  const { vocabularySize } = config;
  if (prompt.length === 0)
    fail('the prompt must have at least one token, got none', 'give some text to go on from');
  if (prompt.length > contextLength)
    fail(`the prompt has ${prompt.length} tokens, the model sees ${contextLength}`, 'shorten the prompt');
  for (let i = 0; i < prompt.length; i++) {
    const token = prompt[i]!;
    if (Number.isInteger(token) && token >= 0 && token < vocabularySize) continue;
    fail(`token ${token} is outside the vocabulary of ${vocabularySize}`, 'use the tokenizer of this model');
  }
}

export function requireWhole(
  name: string,
  value: number,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new ValueError('generate', `${name} must be a whole number ${range}, got ${value}`);
}

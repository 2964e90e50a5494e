/**
 * Token by token generation: the prompt fills the key-value cache in pieces, then one captured step a token. Position,
 * random counter and token live in device memory; what comes back is the token alone.
 */
import {
  capture,
  createPauses,
  type Device,
  keep,
  NonFiniteError,
  noGrad,
  randomState,
  reshape,
  scope,
  slice,
  type Tensor,
  tensor,
  ValueError,
  write,
} from '@qsparse/core';
import { createCache, type Decoder, headLogits, hiddenStates, type KeyValueCache } from '@qsparse/layers';
import { type Choose, type SamplingOptions, tokenChooser } from './sampling.ts';

export interface GenerateOptions extends SamplingOptions {
  /** Default 256. */
  readonly maxTokens?: number | undefined;
  /** Tokens that end the text; they are not returned. */
  readonly stopTokens?: readonly number[] | undefined;
  /** Ends the text after the token that is being computed, without an error: what came before stays valid. */
  readonly signal?: AbortSignal | undefined;
}

/** What generation needs of a tokenizer. */
export interface TextCodec {
  encode(text: string): ArrayLike<number>;
  /** @param options `after`: the ids that come before, which decide whether the first one begins with a space */
  decoder(options?: { readonly after?: ArrayLike<number> }): { push(id: number): string; flush(): string };
}

/** Prompt tokens that are computed at once. */
const PREFILL = 128;

/** Pieces of text that follow `prompt`; never half a code point. Throws as `generateTokens` does. */
export async function* generate(
  model: Decoder,
  codec: TextCodec,
  prompt: string,
  options: GenerateOptions = {},
): AsyncGenerator<string, void, void> {
  const ids = codec.encode(prompt);
  const decoder = codec.decoder({ after: ids });
  for await (const token of generateTokens(model, ids, options)) {
    const piece = decoder.push(token);
    if (piece) yield piece;
  }
  const rest = decoder.flush();
  if (rest) yield rest;
}

/**
 * Tokens that follow `prompt`. A text longer than the context goes on from its newest half. Throws ValueError for an
 * option out of range, an empty prompt or one that does not fit, NonFiniteError where the model gives no distribution.
 */
export async function* generateTokens(
  model: Decoder,
  prompt: ArrayLike<number>,
  { maxTokens = 256, stopTokens = [], signal, seed = 0, ...sampling }: GenerateOptions = {},
): AsyncGenerator<number, void, void> {
  checkPrompt(prompt, model);
  requireWhole('maxTokens', maxTokens, 1);
  requireWhole('seed', seed, 0);
  const capacity = Math.min(model.config.contextLength, prompt.length + maxTokens);
  const writer = createWriter(model, tokenChooser(sampling), seed, capacity);
  const pause = createPauses();
  try {
    let text = Array.from(prompt);
    for (let made = 0; made < maxTokens && !signal?.aborted; made++) {
      // Positions end with the context: what goes on is read again from its newest half.
      const overflows = text.length > model.config.contextLength;
      if (overflows) text = text.slice(-Math.max(1, model.config.contextLength >> 1));
      const token = await (made === 0 || overflows ? writer.read(text, made) : writer.next(text, made));
      if (token < 0) {
        throw new NonFiniteError(
          'generate',
          `the model gives no probabilities for token ${made + 1}: its logits are not finite`,
          'its weights are damaged; take an earlier checkpoint',
        );
      }
      if (stopTokens.includes(token)) return;
      text.push(token);
      yield token;
      await pause();
    }
  } finally {
    writer.dispose();
  }
}

/** The model with its cache. Both calls give the token that follows `text`, drawn by random numbers of index `draw`. */
interface Writer {
  /** Forgets what the cache holds and computes all of `text`. */
  read(text: readonly number[], draw: number): Promise<number>;
  /** Computes the last token alone; the ones before it are in the cache. */
  next(text: readonly number[], draw: number): Promise<number>;
  dispose(): void;
}

/** @param capacity tokens that the cache has room for */
function createWriter(model: Decoder, choose: Choose, seed: number, capacity: number): Writer {
  const { device } = model;
  const cache = createCache(model, 1, capacity);
  const inputs = { token: keep(rowOf(device, [0])), random: keep(randomTensor(device, seed, 0)) };
  const step = capture(({ token, random }: typeof inputs) =>
    noGrad(() => choose(lastLogits(model, token, cache), random)),
  );
  return {
    async read(text, draw) {
      let start = 0;
      for (; start + PREFILL < text.length; start += PREFILL) {
        write(cache.position, [start]);
        fill(model, text.slice(start, start + PREFILL), cache);
      }
      write(cache.position, [start]);
      const tokens = text.slice(start);
      const chosen = noGrad(() =>
        scope(() =>
          choose(lastLogits(model, rowOf(device, tokens), cache), randomTensor(device, seed, draw)),
        ),
      );
      const token = chosen.item();
      chosen.dispose(); // its read is queued already
      return token;
    },
    next(text, draw) {
      write(inputs.token, [text.at(-1)!]);
      write(inputs.random, randomState(seed, STREAM, draw));
      write(cache.position, [text.length - 1]);
      return step(inputs).item();
    },
    dispose() {
      step.dispose();
      cache.dispose();
      for (const input of Object.values(inputs)) input.dispose();
    },
  };
}

/** Of the random numbers. */
const STREAM = 0;

const randomTensor = (device: Device, seed: number, draw: number): Tensor =>
  tensor(device, randomState(seed, STREAM, draw), [4], 'i32');

const rowOf = (device: Device, text: readonly number[]): Tensor =>
  tensor(device, text, [1, text.length], 'i32');

/** tokens [1, T] → logits [1, V] of the token after the last. */
function lastLogits(model: Decoder, tokens: Tensor, cache: KeyValueCache): Tensor {
  const hidden = hiddenStates(model, tokens, { cache }); // [1, T, d]
  const last = slice(hidden, 1, tokens.shape[1]! - 1, 1);
  return headLogits(model, reshape(last, [1, model.config.hiddenSize]));
}

/** Computes tokens for the cache alone. */
function fill(model: Decoder, text: readonly number[], cache: KeyValueCache): void {
  noGrad(() => scope(() => void hiddenStates(model, rowOf(model.device, text), { cache })));
}

function checkPrompt(prompt: ArrayLike<number>, { config }: Decoder): void {
  const fail = (what: string, hint: string): never => {
    throw new ValueError('generate', what, hint);
  };
  const { contextLength, vocabularySize } = config;
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

function requireWhole(name: string, value: number, min: number): void {
  if (Number.isSafeInteger(value) && value >= min) return;
  throw new ValueError('generate', `${name} must be a whole number of at least ${min}, got ${value}`);
}

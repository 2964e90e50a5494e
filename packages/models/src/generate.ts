/**
 * Token by token generation: the prompt fills the key-value cache in chunks, then one captured step a token. Position,
 * random counter and token live in device memory; what comes back is the token alone.
 */
import {
  argmax,
  type Captured,
  capture,
  matmul,
  noGrad,
  reshape,
  sample,
  scope,
  seedKey,
  slice,
  type Tensor,
  tensor,
  ValueError,
  write,
} from '@qsparse/core';
import { createCache, type Decoder, hiddenStates, type KeyValueCache } from '@qsparse/layers';

export interface SamplingOptions {
  /** 0 takes the most likely token; else logits are divided by it. Default 0.8. */
  readonly temperature?: number | undefined;
  /** Only the `topK` most likely tokens; 0 is off. Default 0. */
  readonly topK?: number | undefined;
  /** Only the smallest set of likeliest tokens whose probability reaches `topP`; 1 is off. Default 1. */
  readonly topP?: number | undefined;
  /** The same seed gives the same text on one device. Default 0. */
  readonly seed?: number | undefined;
}

export interface GenerateOptions extends SamplingOptions {
  /** Default 256. */
  readonly maxTokens?: number | undefined;
  /** Tokens that end the text; they are not returned. */
  readonly stopTokens?: readonly number[] | undefined;
  /** Ends the generation after the token that is being computed; what came before stays valid. */
  readonly signal?: AbortSignal | undefined;
}

/** What generation needs of a tokenizer. */
export interface TextCodec {
  encode(text: string): ArrayLike<number>;
  decoder(): { push(id: number): string; flush(): string };
}

/** Prompt tokens that are computed at once. */
const PREFILL = 128;

/** Pieces of text that follow `prompt`; never half a code point. */
export async function* generate(
  model: Decoder,
  codec: TextCodec,
  prompt: string,
  options: GenerateOptions = {},
): AsyncGenerator<string, void, void> {
  const decoder = codec.decoder();
  for await (const token of generateTokens(model, codec.encode(prompt), options)) {
    const piece = decoder.push(token);
    if (piece) yield piece;
  }
  const rest = decoder.flush();
  if (rest) yield rest;
}

/**
 * Tokens that follow `prompt`. A text longer than the context goes on from its newest half. Throws ValueError for an
 * empty prompt or one that does not fit.
 */
export async function* generateTokens(
  model: Decoder,
  prompt: ArrayLike<number>,
  { maxTokens = 256, stopTokens = [], signal, ...sampling }: GenerateOptions = {},
): AsyncGenerator<number, void, void> {
  const { contextLength } = model.config;
  checkPrompt(prompt, model);
  const choose = chooser(sampling);
  const cache = createCache(model, 1);
  const step = decodeStep(model, cache, choose);
  const device = model.device;
  const next = {
    token: tensor(device, [0], [1, 1], 'i32'),
    position: tensor(device, [0], [1], 'i32'),
    random: tensor(device, [0, 0, 0, 0], [4], 'i32'),
  };
  const text = Array.from(prompt);
  const randomAt = (counter: number) => [...seedKey(sampling.seed ?? 0).map((word) => word | 0), 0, counter];
  try {
    let filled = 0;
    for (let made = 0; made < maxTokens && !signal?.aborted; made++) {
      let token: number;
      if (filled === 0 || text.length > contextLength) {
        const kept = text.length > contextLength ? text.slice(-Math.max(1, contextLength >> 1)) : text;
        text.splice(0, text.length, ...kept);
        token = await prefill(model, cache, text, randomAt(made), choose);
        filled = text.length;
      } else {
        write(next.token, [text.at(-1)!]);
        write(next.position, [filled]);
        write(next.random, randomAt(made));
        token = await step(next).item();
        filled += 1;
      }
      if (stopTokens.includes(token)) return;
      text.push(token);
      yield token;
    }
  } finally {
    step.dispose();
    cache.dispose();
    for (const x of Object.values(next)) x.dispose();
  }
}

type Choose = (logits: Tensor, random: Tensor) => Tensor;

/** logits [1, V] → the next token, i32 [1]. */
function chooser({ temperature = 0.8, topK = 0, topP = 1 }: SamplingOptions): Choose {
  if (!(temperature >= 0))
    throw new ValueError('generate', `temperature must be 0 or more, got ${temperature}`);
  if (!(Number.isInteger(topK) && topK >= 0))
    throw new ValueError('generate', `topK must be 0 (off) or a count, got ${topK}`);
  if (!(topP > 0 && topP <= 1))
    throw new ValueError('generate', `topP must be above 0 and at most 1, got ${topP}`);
  if (temperature === 0) return (logits) => argmax(logits);
  return (logits, random) => sample(logits, random, { temperature, topK, topP });
}

function lastLogits(model: Decoder, tokens: Tensor, cache: KeyValueCache): Tensor {
  const hidden = hiddenStates(model, tokens, { cache }); // [1, T, d]
  const length = tokens.shape[1]!;
  const last = slice(hidden, 1, length - 1, 1);
  return matmul(reshape(last, [1, model.config.hiddenSize]), model.head, { transposeB: true });
}

type DecodeInputs = { readonly token: Tensor; readonly position: Tensor; readonly random: Tensor };

function decodeStep(model: Decoder, cache: KeyValueCache, choose: Choose): Captured<DecodeInputs, Tensor> {
  return capture(({ token, position, random }: DecodeInputs) =>
    noGrad(() => choose(lastLogits(model, token, { ...cache, position }), random)),
  );
}

/** Runs all of `text` through the model, filling the cache from its start, and chooses the next token. */
async function prefill(
  model: Decoder,
  cache: KeyValueCache,
  text: readonly number[],
  random: readonly number[],
  choose: Choose,
): Promise<number> {
  let token = 0;
  for (let start = 0; start < text.length; start += PREFILL) {
    const chunk = text.slice(start, start + PREFILL);
    write(cache.position, [start]);
    const chosen = noGrad(() =>
      scope(() => {
        const tokens = tensor(model.device, chunk, [1, chunk.length], 'i32');
        return choose(lastLogits(model, tokens, cache), tensor(model.device, random, [4], 'i32'));
      }),
    );
    token = await chosen.item();
    chosen.dispose();
  }
  return token;
}

function checkPrompt(prompt: ArrayLike<number>, { config }: Decoder): void {
  if (prompt.length === 0)
    throw new ValueError(
      'generate',
      'the prompt must have at least one token, got none',
      'give some text to go on from',
    );
  if (prompt.length > config.contextLength) {
    throw new ValueError(
      'generate',
      `the prompt has ${prompt.length} tokens, the model sees ${config.contextLength}`,
      'shorten the prompt',
    );
  }
  for (let i = 0; i < prompt.length; i++) {
    if (!(prompt[i]! >= 0 && prompt[i]! < config.vocabularySize)) {
      throw new ValueError(
        'generate',
        `token ${prompt[i]} is outside the vocabulary of ${config.vocabularySize}`,
        'use the tokenizer of this model',
      );
    }
  }
}

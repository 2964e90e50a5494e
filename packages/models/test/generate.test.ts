import { NonFiniteError, noGrad, scope, type Tensor, tensor, ValueError, write } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { type ReferenceDevice, referenceDevice } from '@qsparse/core/reference';
import { DENSE, type Decoder, logits } from '@qsparse/layers';
import { type GenerateOptions, generate, generateTokens, type TextCodec } from '@qsparse/models';
import { describe, expect, test } from 'vitest';
import { TERNARY_TOP_K, tinyModel } from './tiny-model.ts';

async function tokensOf(
  model: Decoder,
  prompt: readonly number[],
  options: GenerateOptions = {},
): Promise<number[]> {
  const tokens: number[] = [];
  for await (const token of generateTokens(model, prompt, options)) tokens.push(token);
  return tokens;
}

/** The likeliest token after `text`, computed all at once without a cache. */
function likeliest(model: Decoder, text: readonly number[]): number {
  const device = model.device as ReferenceDevice;
  const all: Tensor = noGrad(() => scope(() => logits(model, tensor(device, text, [1, text.length], 'i32'))));
  const last = [...device.values(all)].slice(-model.config.vocabularySize);
  all.dispose();
  return last.indexOf(Math.max(...last));
}

describe.each([
  ['dense', DENSE],
  ['ternary top-K', TERNARY_TOP_K],
] as const)('%s', (_, linear) => {
  const model = tinyModel(referenceDevice(), { linear });

  test('token by token gives what all at once gives', async () => {
    const text = [5];
    for (const token of await tokensOf(model, text, { temperature: 0, maxTokens: 15 })) {
      expect(token).toBe(likeliest(model, text));
      text.push(token);
    }
    expect(text).toHaveLength(16);
  });

  test('past the context it goes on from the newest half', async () => {
    let text = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const made = await tokensOf(model, text, { temperature: 0, maxTokens: 30 });
    expect(made).toHaveLength(30);
    for (const token of made) {
      if (text.length > 16) text = text.slice(-8);
      expect(token).toBe(likeliest(model, text));
      text.push(token);
    }
  });
});

test.each([127, 128, 129, 257, 290])(
  'a prompt of %d tokens is read in pieces and means the same',
  async (length) => {
    // A short window: the token at the seam of two pieces counts for much.
    const model = tinyModel(referenceDevice(), { contextLength: 300, layers: 1, slidingWindow: 2 });
    const prompt = Array.from({ length }, (_, i) => (5 * i) % 23);
    const [first, second] = await tokensOf(model, prompt, { temperature: 0, maxTokens: 2 });
    expect(first).toBe(likeliest(model, prompt));
    expect(second).toBe(likeliest(model, [...prompt, first!]));
  },
);

test('a context of one token still goes on', async () => {
  const model = tinyModel(referenceDevice(), { contextLength: 1 });
  expect(await tokensOf(model, [1], { maxTokens: 4, temperature: 0 })).toHaveLength(4);
});

test('a model that computes in bf16 writes too', async () => {
  const options = { temperature: 0, maxTokens: 12 };
  const [rounded, exact] = (['bf16', 'f32'] as const).map((compute) =>
    tinyModel(referenceDevice(), {}, compute),
  );
  const text = await tokensOf(rounded!, [5], options);
  expect(text).toHaveLength(12);
  expect(text[0]).toBe((await tokensOf(exact!, [5], options))[0]);
});

test('the same seed gives the same text, another seed another', async () => {
  const model = tinyModel(referenceDevice());
  const options = { temperature: 1, maxTokens: 20 };
  const text = await tokensOf(model, [1, 2], { ...options, seed: 7 });
  expect(await tokensOf(model, [1, 2], { ...options, seed: 7 })).toEqual(text);
  expect(await tokensOf(model, [1, 2], { ...options, seed: 8 })).not.toEqual(text);
});

test('every token has random numbers of its own, also after the context was read again', async () => {
  const model = tinyModel(referenceDevice());
  write(model.head, new Float64Array(model.head.size)); // all tokens are equally likely
  const text = await tokensOf(model, [1, 2], { temperature: 1, maxTokens: 40 });
  expect(new Set(text.slice(0, 14)).size).toBeGreaterThan(5);
  expect(new Set(text.slice(20)).size).toBeGreaterThan(5);
  expect(text.slice(0, 14)).not.toEqual(text.slice(14, 28));
});

test('stop tokens end the text and are not part of it', async () => {
  const model = tinyModel(referenceDevice());
  const text = await tokensOf(model, [1], { temperature: 1, seed: 2, maxTokens: 20 });
  const stop = text[6]!;
  const before = text.slice(0, text.indexOf(stop));
  expect(await tokensOf(model, [1], { temperature: 1, seed: 2, maxTokens: 20, stopTokens: [stop] })).toEqual(
    before,
  );
});

test('an abort ends the text after the token at work', async () => {
  const model = tinyModel(referenceDevice());
  const stop = new AbortController();
  const tokens: number[] = [];
  for await (const token of generateTokens(model, [1], { signal: stop.signal })) {
    tokens.push(token);
    if (tokens.length === 3) stop.abort();
  }
  expect(tokens).toHaveLength(3);
  expect(await tokensOf(model, [1], { signal: AbortSignal.abort() })).toEqual([]);
});

test('timers run while it generates, so that an abort can come from outside', async () => {
  const model = tinyModel(referenceDevice());
  expect(await tokensOf(model, [1], { signal: AbortSignal.timeout(60), maxTokens: 1e6 })).not.toHaveLength(
    1e6,
  );
});

test.each<[readonly number[], GenerateOptions, string]>([
  [[], {}, 'the prompt must have at least one token, got none; give some text'],
  [[23], {}, 'token 23 is outside the vocabulary of 23; use the tokenizer of this model'],
  [[1, -1], {}, 'token -1 is outside the vocabulary'],
  [[0.5], {}, 'token 0.5 is outside the vocabulary'],
  [new Array(17).fill(1), {}, 'the prompt has 17 tokens, the model sees 16; shorten the prompt'],
  [[1], { maxTokens: 0 }, 'maxTokens must be a whole number of at least 1, got 0'],
  [[1], { maxTokens: Number.NaN }, 'maxTokens must be a whole number of at least 1, got NaN'],
  [[1], { seed: -1 }, 'seed must be a whole number of at least 0, got -1'],
  [[1], { temperature: -1 }, 'temperature must be 0 or more'],
])('%#: wrong use is refused before anything is made', async (prompt, options, message) => {
  const device = nullDevice();
  const model = tinyModel(device);
  const before = device.memory();
  await expect(tokensOf(model, prompt, options)).rejects.toThrow(ValueError);
  await expect(tokensOf(model, prompt, options)).rejects.toThrow(message);
  expect(device.memory()).toEqual(before);
});

test.each([0, 1])('weights that are not finite stop it by name, at temperature %d', async (temperature) => {
  const model = tinyModel(referenceDevice());
  write(model.finalNorm, new Float64Array(8).fill(Number.NaN));
  await expect(tokensOf(model, [1], { temperature })).rejects.toThrow(NonFiniteError);
  await expect(tokensOf(model, [1], { temperature })).rejects.toThrow('no probabilities for token 1');
});

test('the cache has room for prompt and text, not for the whole context', async () => {
  const device = nullDevice();
  const model = tinyModel(device, { contextLength: 4096 });
  const before = device.memory().peak;
  await tokensOf(model, [1, 2], { maxTokens: 6 });
  const whole = 2 * 2 * 4096 * 4 * 4; // keys and values of 2 layers of 4 wide, f32
  expect(device.memory().peak - before).toBeLessThan(whole / 4);
});

test('all memory is given back, at the end and when the caller leaves', async () => {
  const device = referenceDevice();
  const model = tinyModel(device);
  const before = device.memory().count;
  await tokensOf(model, [1], { maxTokens: 30 });
  expect(device.memory()).toMatchObject({ count: before, programs: 0 });
  for await (const _ of generateTokens(model, [1])) break;
  expect(device.memory()).toMatchObject({ count: before, programs: 0 });
});

test('a token is one replay of a fixed number of launches, and nothing grows', async () => {
  const device = nullDevice();
  const model = tinyModel(device, { linear: TERNARY_TOP_K });
  const perToken: number[] = [];
  const memory: number[] = [];
  for await (const _ of generateTokens(model, [1], { maxTokens: 14 })) {
    perToken.push(Object.values(device.counts().launches).reduce((sum, count) => sum + count, 0));
    memory.push(device.memory().live + device.memory().programs);
    device.resetCounts();
  }
  expect(new Set(perToken.slice(3)).size).toBe(1);
  expect(new Set(memory.slice(3)).size).toBe(1);
});

test('pieces of text are whole characters and join to the decoded text', async () => {
  const model = tinyModel(referenceDevice());
  // Two tokens make a letter; an odd one out is completed by flush.
  const seen: number[][] = [];
  const codec: TextCodec = {
    encode: (text) => Array.from(text, (letter) => letter.charCodeAt(0) - 97),
    decoder(options) {
      seen.push([...Array.from(options?.after ?? [])]);
      let half: number | undefined;
      return {
        push(id) {
          if (half === undefined) {
            half = id;
            return '';
          }
          const letter = `(${half},${id})`;
          half = undefined;
          return letter;
        },
        flush: () => (half === undefined ? '' : `(${half}`),
      };
    },
  };
  const options = { maxTokens: 5, temperature: 0 };
  const pieces: string[] = [];
  for await (const piece of generate(model, codec, 'ab', options)) pieces.push(piece);
  const [a, b, c, d, e] = await tokensOf(model, [0, 1], options);
  expect(pieces).toEqual([`(${a},${b})`, `(${c},${d})`, `(${e}`]);
  expect(seen).toEqual([[0, 1]]); // the decoder knows what came before
  await expect(generate(model, codec, '', options).next()).rejects.toThrow('at least one token');
});

describe('on a device that works beside the host, tokens are computed ahead', () => {
  const queued = (): ReferenceDevice => {
    const device = referenceDevice();
    return Object.create(device, { caps: { value: { ...device.caps, queued: true } } });
  };

  test.each([
    ['greedy', { temperature: 0 }],
    ['drawn', { temperature: 1, topP: 0.9, seed: 3 }],
    ['drawn by the host', { repetitionPenalty: 1.3 }],
  ] as const)('%s: the same text, also past the context', async (_, sampling) => {
    const options = { ...sampling, maxTokens: 30 };
    const expected = await tokensOf(tinyModel(referenceDevice(), { linear: TERNARY_TOP_K }), [4, 2], options);
    const model = tinyModel(queued(), { linear: TERNARY_TOP_K });
    const before = model.device.memory().count;
    expect(await tokensOf(model, [4, 2], options)).toEqual(expected);
    expect(model.device.memory().count).toBe(before);
  });

  test('a stop token and a reader that leaves leave nothing behind', async () => {
    const model = tinyModel(queued(), {});
    const before = model.device.memory().count;
    const text = await tokensOf(model, [1], { temperature: 0, maxTokens: 3 });
    const stops = await tokensOf(model, [1], { temperature: 0, stopTokens: [text[2]!] });
    expect(stops).toEqual(text.slice(0, text.indexOf(text[2]!)));
    for await (const _ of generateTokens(model, [1], { temperature: 0 })) break;
    expect(model.device.memory().count).toBe(before);
  });
});

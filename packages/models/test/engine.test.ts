import { DisposedError, type NonFiniteError, ValueError, write } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { DENSE, type Decoder } from '@qsparse/layers';
import {
  createEngine,
  type Engine,
  type EngineRequest,
  generateSteps,
  QueueFullError,
  scorePrompt,
  type TextStep,
} from '@qsparse/models';
import { expect, test, vi } from 'vitest';
import { idCodec } from './id-codec.ts';
import { TERNARY_TOP_K, tinyModel } from './tiny-model.ts';

async function all(steps: AsyncIterable<TextStep>): Promise<TextStep[]> {
  const taken: TextStep[] = [];
  for await (const step of steps) taken.push(step);
  return taken;
}

const tokensOf = (steps: readonly TextStep[]) => steps.flatMap(({ token }) => token?.token ?? []);

/** Requests that differ in everything, more than there are slots. */
const REQUESTS: readonly (readonly [prompt: readonly number[], options: EngineRequest])[] = [
  [[1, 2, 3, 4, 5, 6, 7, 8, 9], { temperature: 0, maxTokens: 6 }],
  [[6], { temperature: 1, seed: 5, maxTokens: 11 }],
  [[7, 8, 9, 10], { temperature: 1, seed: 9, topK: 5, maxTokens: 3, logprobs: 2 }],
  [[3, 3], { temperature: 1.5, seed: 2, minP: 0.02, repetitionPenalty: 1.3, maxTokens: 9 }],
  [[11, 12, 13], { temperature: 1, seed: 5, stopTokens: [1, 2, 3, 4], maxTokens: 20 }],
  [[6], { temperature: 1, seed: 5, stopText: ['4 ', '7 '], maxTokens: 20 }],
  [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], { temperature: 0, maxTokens: 12, chunkLength: 2 }],
];

test.each([
  ['dense', {}],
  ['ternary top-K', { linear: TERNARY_TOP_K }],
  ['a sliding window in one layer', { slidingWindow: 3, slidingLayers: [false, true] }],
] as const)(
  '%s: requests of all kinds share a step, each with the text that it has alone',
  async (_, overrides) => {
    const model = tinyModel(referenceDevice(), { linear: DENSE, ...overrides });
    const alone = await Promise.all(
      REQUESTS.map(([prompt, options]) => all(generateSteps(model, idCodec, prompt, options))),
    );
    const engine = createEngine(model, idCodec, { slots: 3, chunkLength: 4 });
    const together = await Promise.all(
      REQUESTS.map(([prompt, options]) => all(engine.submit(prompt, options))),
    );
    for (const [i, steps] of together.entries()) {
      expect(tokensOf(steps), `request ${i}`).toEqual(tokensOf(alone[i]!));
      expect(steps.map(({ text, end }) => ({ text, end }))).toEqual(
        alone[i]!.map(({ text, end }) => ({ text, end })),
      );
    }
    expect(together[2]![0]!.token!.alternatives).toHaveLength(2);
    expect(together[2]![0]!.token!.logprob).toBeCloseTo(alone[2]![0]!.token!.logprob!, 10);
    const { slots, active, queued, generatedTokens, promptTokens, reusedTokens, seconds } = engine.stats();
    expect({ slots, active, queued }).toEqual({ slots: 3, active: 0, queued: 0 });
    expect(promptTokens + reusedTokens).toBe(REQUESTS.reduce((sum, [prompt]) => sum + prompt.length, 0));
    expect(generatedTokens).toBeGreaterThanOrEqual(tokensOf(together.flat()).length);
    expect(seconds).toBeGreaterThan(0);
    await engine.close();
  },
);

test('texts far longer than a sliding window are those of a cache that keeps everything', async () => {
  const model = tinyModel(referenceDevice(), { slidingWindow: 5, contextLength: 128 });
  const prompts = [Array.from({ length: 50 }, (_, i) => (7 * i) % 23), [3]];
  // 200 tokens: beyond the context too. Chunks as long as the context leave no room to save.
  const options = { temperature: 0, maxTokens: 200 };
  const whole = await Promise.all(
    prompts.map((prompt) => all(generateSteps(model, idCodec, prompt, { ...options, chunkLength: 128 }))),
  );
  const alone = await Promise.all(
    prompts.map((prompt) => all(generateSteps(model, idCodec, prompt, { ...options, chunkLength: 16 }))),
  );
  const engine = createEngine(model, idCodec, { slots: 2, chunkLength: 16 });
  const together = await Promise.all(prompts.map((prompt) => all(engine.submit(prompt, options))));
  for (const made of [alone, together]) expect(made.map(tokensOf)).toEqual(whole.map(tokensOf));
  await engine.close();
});

test.each([
  ['all keys', {}],
  ['a window', { slidingWindow: 5 }],
])(
  'a conversation is read on from where it differs from what a place remembers: %s',
  async (_, overrides) => {
    const model = tinyModel(referenceDevice(), { ...overrides, contextLength: 128 });
    const engine = createEngine(model, idCodec, { slots: 2, chunkLength: 8 });
    const options = { temperature: 1, seed: 4, maxTokens: 30 };
    const texts: number[][] = [
      [1, 2, 3],
      [9, 8, 7],
    ];
    for (let turn = 0; turn < 3; turn++) {
      for (const text of texts) {
        const before = engine.stats();
        const [own, alone] = await Promise.all([
          all(engine.submit(text, options)),
          all(generateSteps(model, idCodec, text, options)),
        ]);
        expect(tokensOf(own)).toEqual(tokensOf(alone));
        const { promptTokens, reusedTokens } = engine.stats();
        // All of the last turn but its last token, which was drawn and not read.
        expect(reusedTokens - before.reusedTokens).toBe(turn === 0 ? 0 : text.length - 3);
        expect(promptTokens - before.promptTokens).toBe(3);
        text.push(...tokensOf(own), 5, 6);
      }
    }
    // Another way on from the first turn: of a window the keys before it are gone by now.
    const reused = engine.stats().reusedTokens;
    const other = [...texts[0]!.slice(0, 20), (texts[0]![20]! + 1) % 23, 12];
    const [own, alone] = await Promise.all([
      all(engine.submit(other, options)),
      all(generateSteps(model, idCodec, other, options)),
    ]);
    expect(tokensOf(own)).toEqual(tokensOf(alone));
    expect(engine.stats().reusedTokens - reused).toBe('slidingWindow' in overrides ? 0 : 20);
    await engine.close();
  },
);

/** An engine on a device that only counts. */
function counted(options: Parameters<typeof createEngine>[2]) {
  const device = nullDevice();
  const model = tinyModel(device, { contextLength: 64 });
  return { device, engine: createEngine(model, idCodec, options) };
}

test('a request that comes later joins at the next step, and one that is there goes on', async () => {
  const model = tinyModel(referenceDevice(), { contextLength: 64 });
  const engine = createEngine(model, idCodec, { slots: 2, chunkLength: 4 });
  const order: string[] = [];
  let second: Promise<void> | undefined;
  const take = async (name: string, steps: AsyncIterable<TextStep>) => {
    for await (const { token } of steps) {
      if (token) order.push(name);
      // 16 tokens before the last: four chunks, with a step of the first text after each.
      if (order.length === 3) second ??= take('b', engine.submit(long, { maxTokens: 3 }));
    }
  };
  const long = Array.from({ length: 17 }, (_, i) => i + 1);
  await take('a', engine.submit([1], { maxTokens: 30, temperature: 1 }));
  await second;
  const before = order.indexOf('b');
  expect(order.slice(3, before)).toEqual(new Array(before - 3).fill('a'));
  expect(before - 3).toBeGreaterThanOrEqual(4);
  expect(before - 3).toBeLessThan(8);
  expect(order.filter((name) => name === 'b')).toHaveLength(3);
  await engine.close();
});

test('the queue is bounded, says when to come again, and is served in order', async () => {
  const { engine } = counted({ slots: 1, queueLength: 2 });
  const ends: number[] = [];
  const submit = (i: number) => all(engine.submit([1], { maxTokens: 2, topK: 1 })).then(() => ends.push(i));
  const taken = [submit(0), submit(1), submit(2)];
  expect(engine.stats()).toMatchObject({ queued: 3, active: 0 });
  let full: unknown;
  try {
    engine.submit([1]);
  } catch (error) {
    full = error;
  }
  expect(full).toBeInstanceOf(QueueFullError);
  expect((full as QueueFullError).retryAfterSeconds).toBeGreaterThan(0);
  expect((full as QueueFullError).message).toContain('at most 2 requests wait');
  await Promise.all(taken);
  expect(ends).toEqual([0, 1, 2]);
  await all(engine.submit([1], { maxTokens: 1 }));
  await engine.close();
});

test('an abort frees the place within a step: while it waits, reads, writes, and when the loop is left', async () => {
  const model = tinyModel(referenceDevice(), { contextLength: 64 });
  const engine = createEngine(model, idCodec, { slots: 1, chunkLength: 2 });
  const controllers = [0, 1, 2].map(() => new AbortController());
  const [writes, waits] = [
    engine.submit([1], { maxTokens: 60, signal: controllers[0]!.signal }),
    engine.submit([2], { signal: controllers[1]!.signal }),
  ];
  const seen: TextStep[] = [];
  for await (const step of writes) {
    seen.push(step);
    if (seen.length === 3) {
      controllers[1]!.abort();
      controllers[0]!.abort();
    }
  }
  expect(seen.at(-1)!.end).toBe('aborted');
  expect(seen.length).toBeLessThan(7);
  expect(await all(waits)).toEqual([{ text: '', end: 'aborted' }]);

  const reads = engine.submit(new Array(60).fill(3), { signal: controllers[2]!.signal });
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  expect(engine.stats()).toMatchObject({ active: 1 });
  controllers[2]!.abort();
  expect(await all(reads)).toEqual([{ text: '', end: 'aborted' }]);
  expect(await all(engine.submit([1], { signal: AbortSignal.abort() }))).toEqual([
    { text: '', end: 'aborted' },
  ]);

  for await (const _ of engine.submit([1], { maxTokens: 60 })) break;
  expect(tokensOf(await all(engine.submit([1], { maxTokens: 2 })))).toHaveLength(2);
  expect(engine.stats().active).toBe(0);
  await engine.close();
});

test('a request whose numbers are not finite fails alone, and leaves nothing in its place', async () => {
  const device = referenceDevice();
  const model = tinyModel(device, { contextLength: 32 });
  const alone = tokensOf(
    await all(generateSteps(model, idCodec, [1, 2, 3], { temperature: 0, maxTokens: 12 })),
  );
  // A token whose embedding is not a number, and which the others do not meet.
  const damaged = [22, 21, 20, 19].find((token) => !alone.includes(token))!;
  const table = device.values(model.embedding);
  write(
    model.embedding,
    table.map((value, i) => (Math.floor(i / 8) === damaged ? Number.NaN : value)),
  );
  const engine = createEngine(model, idCodec, { slots: 2 });
  const options = { temperature: 0, maxTokens: 12 };
  const [good, bad] = [
    all(engine.submit([1, 2, 3], options)),
    all(engine.submit([5, damaged, 6, 7, 8], options)),
  ];
  await expect(bad).rejects.toMatchObject({ code: 'non-finite' } satisfies Partial<NonFiniteError>);
  expect(tokensOf(await good)).toEqual(alone);
  await expect(all(engine.submit([damaged], options))).rejects.toThrow('its logits are not finite');
  const later = await Promise.all([0, 1].map(() => all(engine.submit([1, 2, 3], options))));
  expect(later.map(tokensOf)).toEqual([alone, alone]);
  await engine.close();
});

test('a tokenizer that fails ends its own request', async () => {
  const model = tinyModel(referenceDevice());
  let pieces = 0;
  const codec = {
    ...idCodec,
    decoder: () => ({
      push: () => {
        if (++pieces === 3) throw new RangeError('no such piece');
        return 'x';
      },
      flush: () => '',
    }),
  };
  const engine = createEngine(model, codec, { slots: 1 });
  await expect(all(engine.submit([1], { maxTokens: 9 }))).rejects.toThrow('no such piece');
  expect((await all(engine.submit([1], { maxTokens: 2 }))).at(-1)!.end).toBe('length');
  await engine.close();
});

test('the log probabilities of the prompt come first, as scored alone', async () => {
  const model = tinyModel(referenceDevice(), { slidingWindow: 4 });
  const prompt = [4, 9, 1, 17, 3, 3, 8];
  const scored = await scorePrompt(model, prompt, { logprobs: 2, chunkLength: 3 });
  const engine = createEngine(model, idCodec, { slots: 2, chunkLength: 2 });
  const request = { echoLogprobs: true, logprobs: 2, temperature: 0 };
  const [steps, scoresAlone] = await Promise.all([
    all(engine.submit(prompt, { ...request, maxTokens: 2 })),
    all(engine.submit(prompt, { ...request, maxTokens: 0 })),
  ]);
  for (const [first] of [steps, scoresAlone]) {
    expect(first!.prompt!.map(({ token }) => token)).toEqual(prompt.slice(1));
    for (const [i, { logprob, alternatives }] of first!.prompt!.entries()) {
      expect(logprob).toBeCloseTo(scored![i]!.logprob!, 10);
      expect(alternatives!.map(({ token }) => token)).toEqual(
        scored![i]!.alternatives!.map(({ token }) => token),
      );
    }
  }
  expect(scoresAlone.slice(1)).toEqual([{ text: '', end: 'length' }]);
  expect(tokensOf(steps)).toHaveLength(2);
  expect(steps[1]!.prompt).toBeUndefined();
  expect(() => engine.submit(prompt, { maxTokens: 0 })).toThrow(ValueError);
  await engine.close();
});

test('close lets requests end, or ends them; all memory is given back', async () => {
  for (const abort of [false, true]) {
    const device = nullDevice();
    const model = tinyModel(device, { contextLength: 64 });
    const before = device.memory().count;
    const engine = createEngine(model, idCodec, { slots: 2 });
    const texts = [0, 1, 2].map(() => all(engine.submit([1], { maxTokens: 20, topK: 1 })));
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    const closed = engine.close({ abort });
    expect(() => engine.submit([1])).toThrow(DisposedError);
    const ends = (await Promise.all(texts)).map((steps) => steps.at(-1)!.end);
    // The null device draws token 0 all the time, so that a text that goes on ends by its length.
    expect(ends).toEqual(new Array(3).fill(abort ? 'aborted' : 'length'));
    await closed;
    await engine.close();
    expect(device.memory()).toMatchObject({ count: before, programs: 0 });
  }
});

test('one step serves all places: launches grow by a slice and a draw a text', async () => {
  const launches = async (texts: number) => {
    const { device, engine } = counted({ slots: 8 });
    device.resetCounts();
    await Promise.all(
      Array.from({ length: texts }, () => all(engine.submit([1], { maxTokens: 30, topK: 1 }))),
    );
    const total = Object.values(device.counts().launches).reduce((sum, count) => sum + count, 0);
    await engine.close();
    return total;
  };
  const one = await launches(1);
  expect(await launches(8)).toBeLessThan(2 * one);
});

test('on a device that takes long, steps are left for halves of blocks with the same tokens', async () => {
  const model = tinyModel(referenceDevice(), { contextLength: 32 });
  const options = { temperature: 1, seed: 3, maxTokens: 12 };
  const quick = await texts(model, options);
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 30));
  expect(await texts(model, options)).toEqual(quick);
  clock.mockRestore();

  async function texts(of: Decoder, request: EngineRequest) {
    const engine: Engine = createEngine(of, idCodec, { slots: 2 });
    const made = await Promise.all([[1], [2, 3, 4]].map((prompt) => all(engine.submit(prompt, request))));
    await engine.close();
    return made.map(tokensOf);
  }
});

test('what does not fit is refused at once', async () => {
  const model = tinyModel(nullDevice());
  for (const options of [
    { slots: 0 },
    { slots: 1.5 },
    { slots: 1e9 },
    { queueLength: -1 },
    { chunkLength: 0 },
    { contextLength: 17 },
  ])
    expect(() => createEngine(model, idCodec, options)).toThrow(ValueError);
  const engine = createEngine(model, idCodec, { slots: 1, contextLength: 8 });
  expect(() => engine.submit([])).toThrow('at least one token');
  expect(() => engine.submit(new Array(9).fill(1))).toThrow('the prompt has 9 tokens, the model sees 8');
  expect(() => engine.submit([99])).toThrow('outside the vocabulary');
  expect(() => engine.submit([1], { temperature: -1 })).toThrow(ValueError);
  await engine.close();
});

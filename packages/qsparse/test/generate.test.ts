/** Generation on the CPU device: an abort is heard in time, the same seed gives the same text, slow tokens have the same bits. */
import type { Device } from '@qsparse/core';
import { createDecoder, DENSE, type Decoder } from '@qsparse/layers';
import { device, type GenerateOptions, generateBatch, generateSteps } from 'qsparse';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { TINY, tinyDecoder } from './tiny-decoder.ts';

const codec = {
  encode: (text: string) => text.split(' ').map(Number),
  decoder: () => ({ push: (id: number) => `${id} `, flush: () => '' }),
};
let cpu: Device;
let slow: Decoder;
beforeAll(async () => {
  cpu = await device('cpu', { threads: 1 });
  // Its weights are zero, which takes as long as any others: 20 million, 40 MFLOP a token.
  slow = createDecoder(cpu, {
    ...TINY,
    vocabularySize: 512,
    hiddenSize: 512,
    intermediateSize: 2048,
    layers: 5,
    heads: 8,
    keyValueHeads: 8,
    headSize: 64,
    contextLength: 4096,
    linear: DENSE,
  });
});
afterAll(() => cpu.dispose());

/** Milliseconds from the moment that `after` more of them have passed to the end of the text. */
async function lateness(texts: (signal: AbortSignal, arm: () => void) => Promise<void>, after: number) {
  const stop = new AbortController();
  let wanted = Number.NaN;
  const arm = () => {
    wanted = performance.now() + after;
    setTimeout(() => stop.abort(), after);
  };
  await texts(stop.signal, arm);
  expect(stop.signal.aborted).toBe(true);
  return performance.now() - wanted;
}

/** Measured again, up to three times, where it was late: a busy machine does not count. */
async function bestOfThree(measure: () => Promise<number>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3 && best >= 100; i++) best = Math.min(best, await measure());
  return best;
}

test('an abort while a long prompt is read ends the work within 100 ms', async () => {
  const before = cpu.memory().count;
  const late = await bestOfThree(() =>
    lateness(async (signal, arm) => {
      arm();
      const steps = [];
      for await (const step of generateSteps(slow, codec, new Array(3000).fill(1), { signal }))
        steps.push(step);
      expect(steps).toEqual([{ text: '', end: 'aborted' }]);
    }, 150),
  );
  expect(late).toBeLessThan(100);
  expect(cpu.memory()).toMatchObject({ count: before, programs: 0 });
});

test('an abort while tokens take long ends the work within 100 ms', async () => {
  const prompts = Array.from({ length: 240 }, (_, i) => [i]);
  const late = await bestOfThree(() =>
    lateness(async (signal, arm) => {
      let made = 0;
      let from = performance.now();
      for await (const { end } of generateBatch(slow, codec, prompts, {
        signal,
        temperature: 0,
        maxTokens: 12,
      })) {
        if (end) expect(end).toBe('aborted');
        if (++made === 240 * 5) from = performance.now();
        if (made !== 240 * 6) continue;
        // The tokens of one round come at once: this is how long a round takes.
        expect(performance.now() - from).toBeGreaterThan(60);
        arm();
      }
    }, 30),
  );
  expect(late).toBeLessThan(100);
});

async function textOf(model: Decoder, options: GenerateOptions): Promise<string> {
  let text = '';
  for await (const step of generateSteps(model, codec, [1, 2], options)) text += step.text;
  return text;
}

test.each<GenerateOptions>([{}, { minP: 0.05, repetitionPenalty: 1.2 }])(
  '%j: the same seed gives the same text',
  async (options) => {
    const model = tinyDecoder(cpu);
    const settings = { ...options, temperature: 1, maxTokens: 30 };
    const text = await textOf(model, { ...settings, seed: 3 });
    expect(await textOf(model, { ...settings, seed: 3 })).toBe(text);
    expect(await textOf(model, { ...settings, seed: 4 })).not.toBe(text);
    model.dispose();
  },
);

test('a step that is left for its parts, being slow, goes on with the same text', async () => {
  const model = tinyDecoder(cpu);
  const settings = { temperature: 1, maxTokens: 30, seed: 3, logprobs: 2 };
  const steps = async () => {
    const all = [];
    for await (const step of generateSteps(model, codec, [1, 2], settings)) all.push(step);
    return all;
  };
  const quick = await steps();
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 30));
  try {
    expect(await steps()).toEqual(quick);
    expect(cpu.memory().programs).toBe(0);
  } finally {
    clock.mockRestore();
  }
  model.dispose();
});

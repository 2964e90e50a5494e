import { ValueError } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { DENSE, type Decoder } from '@qsparse/layers';
import { type BatchStep, type GenerateOptions, generateBatch, generateSteps } from '@qsparse/models';
import { expect, test } from 'vitest';
import { idCodec } from './id-codec.ts';
import { TERNARY_TOP_K, tinyModel } from './tiny-model.ts';

const PROMPTS = [[1, 2, 3, 4, 5], [6], [7, 8, 9, 10, 11, 12, 13, 14, 15], [3, 3]];

async function batch(model: Decoder, prompts: readonly number[][], options: GenerateOptions) {
  const steps: BatchStep[] = [];
  for await (const step of generateBatch(model, idCodec, prompts, options)) steps.push(step);
  return prompts.map((_, index) => steps.filter((step) => step.index === index));
}

async function alone(model: Decoder, prompts: readonly number[][], options: GenerateOptions) {
  return Promise.all(
    prompts.map(async (prompt, index) => {
      const steps: BatchStep[] = [];
      const own = { ...options, seed: (options.seed ?? 0) + index };
      for await (const step of generateSteps(model, idCodec, prompt, own)) steps.push({ ...step, index });
      return steps;
    }),
  );
}

test.each([
  ['dense', DENSE, { temperature: 0 }],
  ['ternary top-K', TERNARY_TOP_K, { temperature: 0 }],
  ['drawn on the device', DENSE, { temperature: 1, seed: 5, topK: 9 }],
  ['drawn on the host', DENSE, { temperature: 1, seed: 5, minP: 0.02, repetitionPenalty: 1.3 }],
  ['with stops', DENSE, { temperature: 1, seed: 5, stopTokens: [1, 2, 3], stopText: ['4 ', '7 '] }],
  ['in chunks', DENSE, { temperature: 0, chunkLength: 2 }],
] as const)('%s: prompts of different lengths, each as alone', async (_, linear, options) => {
  const model = tinyModel(referenceDevice(), { linear, contextLength: 32 });
  const settings = { ...options, maxTokens: 12 };
  const together = await batch(model, PROMPTS, settings);
  expect(together).toEqual(await alone(model, PROMPTS, settings));
  for (const steps of together) expect(steps.filter(({ end }) => end)).toHaveLength(1);
});

test('the same prompt twice is two texts', async () => {
  const model = tinyModel(referenceDevice(), { contextLength: 32 });
  const [first, second] = await batch(model, [[1], [1]], { temperature: 1, maxTokens: 12 });
  expect(first!.map(({ text }) => text)).not.toEqual(second!.map(({ text }) => text));
});

test('what does not fit the context together comes one after the other, as alone', async () => {
  const model = tinyModel(referenceDevice());
  const settings = { temperature: 0, maxTokens: 20 };
  expect(await batch(model, PROMPTS, settings)).toEqual(await alone(model, PROMPTS, settings));
});

test('one step serves all rows, and all memory is given back', async () => {
  const device = nullDevice();
  const model = tinyModel(device, { contextLength: 64 });
  const before = device.memory().count;
  const launches = async (prompts: number[][]) => {
    device.resetCounts();
    await batch(model, prompts, { maxTokens: 30, topK: 1 });
    return Object.values(device.counts().launches).reduce((sum, count) => sum + count, 0);
  };
  const one = await launches([[1]]);
  // A slice of the logits and a draw for each row are all that comes on top.
  expect(await launches([[1], [2], [3], [4]])).toBeLessThan(1.5 * one);
  for await (const _ of generateBatch(model, idCodec, PROMPTS)) break;
  expect(device.memory()).toMatchObject({ count: before, programs: 0 });
});

test('an abort ends every text; nothing to do is nothing', async () => {
  const model = tinyModel(referenceDevice());
  const texts = await batch(model, [[1], [2, 3]], { signal: AbortSignal.abort(), maxTokens: 3 });
  expect(texts).toEqual([0, 1].map((index) => [{ index, text: '', end: 'aborted' }]));
  expect(await batch(model, [], {})).toEqual([]);
});

test('one wrong prompt refuses the batch before anything is made', async () => {
  const device = nullDevice();
  const model = tinyModel(device);
  const before = device.memory();
  await expect(batch(model, [[1], []], {})).rejects.toThrow(ValueError);
  await expect(batch(model, [[1], [99]], { maxTokens: 3 })).rejects.toThrow('outside the vocabulary');
  expect(device.memory()).toEqual(before);
});

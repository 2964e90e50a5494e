import { noGrad, scope, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { DENSE, type Decoder, logits } from '@qsparse/layers';
import { type GenerateOptions, generate, generateSteps, type Prompt, type TextStep } from '@qsparse/models';
import { describe, expect, test } from 'vitest';
import { idCodec } from './id-codec.ts';
import { TERNARY_TOP_K, tinyModel } from './tiny-model.ts';

const device = referenceDevice();

async function stepsOf(model: Decoder, prompt: Prompt, options: GenerateOptions): Promise<TextStep[]> {
  const steps: TextStep[] = [];
  for await (const step of generateSteps(model, idCodec, prompt, options)) steps.push(step);
  return steps;
}
const idsOf = (steps: readonly TextStep[]) => steps.flatMap(({ token }) => token?.token ?? []);
const textOf = (steps: readonly TextStep[]) => steps.map(({ text }) => text).join('');

test('a token a step, then why the text ends', async () => {
  const model = tinyModel(device);
  const steps = await stepsOf(model, '1 2', { temperature: 0, maxTokens: 3 });
  expect(steps).toHaveLength(4);
  expect(textOf(steps)).toBe(
    idsOf(steps)
      .map((id) => `${id} `)
      .join(''),
  );
  expect(steps.map(({ end }) => end)).toEqual([undefined, undefined, undefined, 'length']);
  expect(await stepsOf(model, [1, 2], { temperature: 0, maxTokens: 3 })).toEqual(steps);
  const stopTokens = [idsOf(steps)[2]!].filter((id) => !idsOf(steps).slice(0, 2).includes(id));
  const stopped = await stepsOf(model, [1, 2], { temperature: 0, maxTokens: 3, stopTokens });
  expect(stopped.at(-1)!.end).toBe(stopTokens.length > 0 ? 'stop' : 'length');
});

test('stop text is never let out, and what follows is not computed', async () => {
  const model = tinyModel(device);
  const options = { temperature: 1, seed: 3, maxTokens: 14 };
  const all = await stepsOf(model, [1], options);
  const [, , third, fourth] = idsOf(all);
  const stop = `${third} ${fourth}`; // over two tokens
  const steps = await stepsOf(model, [1], { ...options, stopText: ['never', stop] });
  expect(textOf(steps)).toBe(textOf(all).slice(0, textOf(all).indexOf(stop)));
  expect(steps.at(-1)!.end).toBe('stop');
  expect(idsOf(steps)).toEqual(idsOf(all).slice(0, idsOf(steps).length));
  let text = '';
  for await (const piece of generate(model, idCodec, [1], { ...options, stopText: [stop] })) text += piece;
  expect(text).toBe(textOf(steps));
});

test('what only looked like a stop text comes at the end', async () => {
  const model = tinyModel(device);
  const options = { temperature: 0, maxTokens: 4 };
  const all = await stepsOf(model, [1], options);
  const held = await stepsOf(model, [1], { ...options, stopText: [`${textOf(all)}more`] });
  expect(textOf(held)).toBe(textOf(all));
  expect(held.map(({ text }) => text)).toEqual(['', '', '', '', textOf(all)]);
});

describe.each([
  ['dense', DENSE],
  ['ternary top-K', TERNARY_TOP_K],
] as const)('%s', (_, linear) => {
  const model = tinyModel(device, { linear, contextLength: 40, slidingWindow: 5 });
  const prompt = Array.from({ length: 30 }, (_, i) => (7 * i) % 23);

  test('log probabilities are those of all tokens at once, however the prompt is cut', async () => {
    for (const chunkLength of [1, 7, 29, 30, 31]) {
      const options = { temperature: 1, maxTokens: 6, logprobs: 23, chunkLength };
      const text = [...prompt];
      for (const { token } of await stepsOf(model, prompt, options)) {
        if (!token) continue;
        const all = noGrad(() => scope(() => logits(model, tensor(device, text, [1, text.length], 'i32'))));
        const last = [...device.values(all)].slice(-23);
        all.dispose();
        const total = Math.log(last.reduce((sum, score) => sum + Math.exp(score), 0));
        expect(token.logprob).toBeCloseTo(last[token.token]! - total, 4);
        for (const { token: one, logprob } of token.alternatives!)
          expect(logprob).toBeCloseTo(last[one]! - total, 4);
        expect(new Set(token.alternatives!.map(({ token: one }) => one)).size).toBe(23);
        text.push(token.token);
      }
      expect(text).toHaveLength(36);
    }
  });
});

test('asking for log probabilities changes no token', async () => {
  const model = tinyModel(device);
  const options = { temperature: 1, seed: 9, maxTokens: 20 };
  const plain = await stepsOf(model, [1], options);
  const asked = await stepsOf(model, [1], { ...options, logprobs: 0 });
  expect(idsOf(asked)).toEqual(idsOf(plain));
  expect(asked[0]!.token).toEqual({ ...plain[0]!.token, logprob: expect.any(Number), alternatives: [] });
});

test.each<[GenerateOptions, string]>([
  [{ stopText: [''] }, 'stopText must be texts that are not empty, got [""]'],
  [{ chunkLength: 0 }, 'chunkLength must be a whole number of at least 1, got 0'],
  [{ logprobs: -1 }, 'logprobs must be a whole number from 0 to 23, got -1'],
  [{ logprobs: 24 }, 'logprobs must be a whole number from 0 to 23, got 24'],
  [{ minP: 2 }, 'minP must be from 0'],
])('%j is refused', async (options, message) => {
  await expect(stepsOf(tinyModel(device), [1], options)).rejects.toThrow(message);
});

import { randomState, type Tensor, tensor, ValueError } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { createSampler } from '../src/sampling.ts';

const device = referenceDevice();
const random = (counter: number): Tensor => tensor(device, randomState(1, 0, counter), [4], 'i32');
const choose = (options: Parameters<typeof createSampler>[0], logits: readonly number[], counter = 0) =>
  device.values(
    createSampler(options).onDevice!(tensor(device, logits, [1, logits.length]), random(counter)),
  )[0];
const draws = (options: Parameters<typeof createSampler>[0], logits: readonly number[]) =>
  new Set(Array.from({ length: 64 }, (_, i) => choose(options, logits, i)));

test('temperature 0 takes the likeliest, the first of equals', () => {
  expect(draws({ temperature: 0 }, [1, 3, 3, 2])).toEqual(new Set([1]));
});

test('temperature, top-k and top-p shape what is drawn', () => {
  const logits = [3, 2, 1, 0];
  expect(draws({ temperature: 5 }, logits)).toEqual(new Set([0, 1, 2, 3]));
  expect(draws({ temperature: 5, topK: 2 }, logits)).toEqual(new Set([0, 1]));
  expect(draws({ temperature: 1, topP: 0.7 }, logits)).toEqual(new Set([0, 1]));
  expect(draws({ temperature: 0.01 }, logits)).toEqual(new Set([0]));
});

test('the same random numbers choose the same token', () => {
  for (const counter of [0, 1, 2])
    expect(choose({}, [1, 1, 1], counter)).toBe(choose({}, [1, 1, 1], counter));
});

test.each([0, 1])('without a distribution no token is chosen, at temperature %d', (temperature) => {
  expect(choose({ temperature }, [1, Number.NaN, 2])).toBe(-1);
  expect(choose({ temperature }, [1, Number.POSITIVE_INFINITY, 2])).toBe(-1);
});

test.each([
  [{ temperature: -1 }, 'temperature must be 0 or more, got -1'],
  [{ temperature: Number.NaN }, 'temperature must be 0 or more, got NaN'],
  [{ temperature: Number.POSITIVE_INFINITY }, 'temperature must be 0 or more, got Infinity'],
  [{ topK: 1.5 }, 'topK must be 0 (off) or a count, got 1.5'],
  [{ topK: -1 }, 'topK must be 0 (off) or a count, got -1'],
  [{ topP: 0 }, 'topP must be above 0 and at most 1, got 0'],
  [{ topP: 1.1 }, 'topP must be above 0 and at most 1, got 1.1'],
  [{ minP: -0.1 }, 'minP must be from 0 (off) to 1, got -0.1'],
  [{ minP: Number.NaN }, 'minP must be from 0 (off) to 1, got NaN'],
  [{ repetitionPenalty: 0 }, 'repetitionPenalty must be above 0 (1 is off), got 0'],
  [{ repetitionWindow: -1 }, 'repetitionWindow must be 0 (all) or a count, got -1'],
])('%j is refused', (options, message) => {
  expect(() => createSampler(options)).toThrow(ValueError);
  expect(() => createSampler(options)).toThrow(message);
});

type Options = Parameters<typeof createSampler>[0];
const onHost = (options: Options, logits: readonly number[], text: readonly number[] = [], draw = 0) =>
  createSampler(options).onHost(logits, text, 1, draw);
const hostDraws = (options: Options, logits: readonly number[], text: readonly number[] = []) =>
  new Set(Array.from({ length: 64 }, (_, draw) => onHost(options, logits, text, draw)));

test.each<Options>([
  {},
  { temperature: 0 },
  { temperature: 3 },
  { temperature: 2, topK: 3 },
  { temperature: 2, topP: 0.6 },
  { temperature: 2, topK: 4, topP: 0.9 },
])('%j: the host draws what the device draws', (options) => {
  for (let i = 0; i < 64; i++) {
    const logits = Array.from({ length: 9 }, (_, j) => Math.sin(7 * i + 3 * j * j));
    expect(onHost(options, logits, [], i)).toBe(choose(options, logits, i));
  }
});

test('the host is asked only for what the device lacks', () => {
  const isHost = (options: Options) => createSampler(options).onDevice === undefined;
  expect([{}, { topK: 1 }, { minP: 0.1, temperature: 0 }, { repetitionWindow: 4 }].some(isHost)).toBe(false);
  expect([{ minP: 0.1 }, { repetitionPenalty: 1.1 }].every(isHost)).toBe(true);
});

test('minP is relative to the likeliest, after the temperature', () => {
  const logits = [1, 0.5, 0.25, 0.05].map(Math.log);
  expect(hostDraws({ temperature: 1, minP: 0.2 }, logits)).toEqual(new Set([0, 1, 2]));
  expect(hostDraws({ temperature: 1, minP: 0.3 }, logits)).toEqual(new Set([0, 1]));
  expect(hostDraws({ temperature: 0.5, minP: 0.2 }, logits)).toEqual(new Set([0, 1]));
  expect(hostDraws({ temperature: 5, minP: 1 }, logits)).toEqual(new Set([0]));
  expect(hostDraws({ temperature: 1, minP: 0.2, topK: 2 }, logits)).toEqual(new Set([0, 1]));
  expect(hostDraws({ temperature: 1, minP: 0.2, topP: 0.5 }, logits)).toEqual(new Set([0]));
});

test('the penalty makes what is there less likely, whatever the sign, once however often', () => {
  const greedy = { temperature: 0, repetitionPenalty: 2 };
  expect(onHost(greedy, [3, 2, 1], [0])).toBe(1);
  expect(onHost(greedy, [3, 2, 1], [0, 0, 0, 0])).toBe(1);
  expect(onHost(greedy, [5, 2, 1], [0, 0, 0, 0])).toBe(0);
  expect(onHost(greedy, [-1, -1.5, -3], [0])).toBe(1);
  expect(onHost({ ...greedy, repetitionPenalty: 0.5 }, [3, 2, 1], [1])).toBe(1);
  expect(onHost({ ...greedy, repetitionWindow: 2 }, [3, 2.5, 2], [0, 1, 2])).toBe(0);
  expect(onHost({ ...greedy, repetitionWindow: 3 }, [3, 2.5, 2], [0, 1, 2])).toBe(0);
  expect(onHost({ ...greedy, repetitionWindow: 1 }, [3, 2.5, 2], [1, 0])).toBe(1);
});

test('on the host too there is no token without a distribution', () => {
  for (const temperature of [0, 1])
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY])
      expect(onHost({ temperature, minP: 0.1 }, [1, bad, 2])).toBe(-1);
  expect(onHost({ minP: 0.1 }, [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY])).toBe(-1);
});

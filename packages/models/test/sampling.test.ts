import { randomState, type Tensor, tensor, ValueError } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { tokenChooser } from '../src/sampling.ts';

const device = referenceDevice();
const random = (counter: number): Tensor => tensor(device, randomState(1, 0, counter), [4], 'i32');
const choose = (options: Parameters<typeof tokenChooser>[0], logits: readonly number[], counter = 0) =>
  device.values(tokenChooser(options)(tensor(device, logits, [1, logits.length]), random(counter)))[0];
const draws = (options: Parameters<typeof tokenChooser>[0], logits: readonly number[]) =>
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
])('%j is refused', (options, message) => {
  expect(() => tokenChooser(options)).toThrow(ValueError);
  expect(() => tokenChooser(options)).toThrow(message);
});

import { normal, philox, randomWord, seedKey, uniform, wordToUniform } from '@qsparse/core';
import { expect, test } from 'vitest';

const ones = 0xffffffff;
// Known-answer vectors that are published with the generator (Random123, philox4x32 10).
test.each([
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [ones, ones, ones, ones],
    [ones, ones],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
] as const)('known answers', (counter, key, expected) => {
  expect(philox(counter, key)).toEqual(expected);
});

test('a word of a stream is a function of its index alone', () => {
  const words = philox([2, 0, 7, 0], [5, 0]);
  for (let j = 0; j < 4; j++) expect(randomWord(5, 7, 8 + j)).toBe(words[j]);
  expect(randomWord(5, 7, 2 ** 34 + 1)).toBe(philox([0, 1, 7, 0], [5, 0])[1]);
});

test('uniform numbers are exact in f32, below 1, and the start of a longer draw', () => {
  expect(wordToUniform(0)).toBe(0);
  expect(wordToUniform(ones)).toBe(1 - 2 ** -24);
  const long = uniform(11, 3, 4099);
  expect([...uniform(11, 3, 5)]).toEqual([...long.subarray(0, 5)]);
  expect(long[4098]).toBe(wordToUniform(randomWord(11, 3, 4098)));
  expect(long.every((u) => u >= 0 && u < 1 && Math.fround(u) === u)).toBe(true);
  expect(long.reduce((sum, u) => sum + u, 0) / long.length).toBeCloseTo(0.5, 1);
  expect(uniform(11, 3, 0)).toHaveLength(0);
});

test('normal numbers have mean 0 and variance 1, and do not share words with uniform ones', () => {
  const numbers = normal(2, 0, 20_001);
  const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  const variance = numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length;
  // Five standard errors.
  expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(20_001));
  expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / 20_001));
  expect(numbers.every(Number.isFinite)).toBe(true);
  expect([...normal(2, 0, 3)]).toEqual([...numbers.subarray(0, 3)]);
});

test('seeds use 53 bits, streams differ', () => {
  expect(seedKey(2 ** 32 + 3)).toEqual([3, 1]);
  expect(seedKey(Number.MAX_SAFE_INTEGER)).toEqual([ones, 2 ** 21 - 1]);
  expect(uniform(1, 0, 4)).not.toEqual(uniform(1, 1, 4));
  expect(uniform(1, 0, 4)).not.toEqual(uniform(2 ** 32 + 1, 0, 4));
});

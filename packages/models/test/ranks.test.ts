import { normal } from '@qsparse/core';
import { expect, test } from 'vitest';
import { likeliestFirst } from '../src/ranks.ts';

const sorted = (scores: Float64Array): number[] =>
  Array.from(scores.keys()).sort((i, j) => scores[j]! - scores[i]! || i - j);

test.each([1, 2, 3, 7, 8, 100, 1000])('%d tokens come in the order of a sort', (count) => {
  // Rounded: many are equal.
  const scores = normal(1, count, count).map((score) => Math.round(3 * score));
  const tokenOf = likeliestFirst(scores);
  expect(Array.from(scores.keys(), tokenOf)).toEqual(sorted(scores));
  expect(Array.from(scores.keys(), tokenOf)).toEqual(sorted(scores)); // asked again
});

test('any rank may come first, and infinities have their place', () => {
  const scores = Float64Array.of(Number.NEGATIVE_INFINITY, 2, Number.NEGATIVE_INFINITY, 3);
  expect([2, 0, 3].map(likeliestFirst(scores))).toEqual([0, 3, 2]);
});

test('the first of a large vocabulary cost less than sorting it', () => {
  const scores = normal(1, 2, 150_000);
  let reads = 0;
  const counted = new Proxy(scores, {
    get(target, key) {
      if (typeof key === 'string' && /^\d/.test(key)) reads++;
      const value = Reflect.get(target, key, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  likeliestFirst(counted)(20);
  expect(reads).toBeLessThan(12 * scores.length);
});

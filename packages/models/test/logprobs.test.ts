import { expect, test } from 'vitest';
import { withLogprobs } from '../src/logprobs.ts';

test('the chosen token and the likeliest ones, which are probabilities', () => {
  const probabilities = [0.1, 0.4, 0.2, 0.3];
  const logits = probabilities.map((p) => Math.log(p) + 1000);
  const { token, logprob, alternatives } = withLogprobs(logits, 2, 3);
  expect(token).toBe(2);
  expect(Math.exp(logprob!)).toBeCloseTo(0.2, 10);
  expect(alternatives!.map((one) => one.token)).toEqual([1, 3, 2]);
  expect(alternatives!.map((one) => Math.exp(one.logprob)).map((p) => p.toFixed(6))).toEqual([
    '0.400000',
    '0.300000',
    '0.200000',
  ]);
});

test('none, all, and equals', () => {
  expect(withLogprobs([1, 2], 0, 0).alternatives).toEqual([]);
  expect(withLogprobs([1, 1, 2, 1], 0, 4).alternatives!.map(({ token }) => token)).toEqual([2, 0, 1, 3]);
  const [first, second] = withLogprobs([0, Number.NEGATIVE_INFINITY], 0, 2).alternatives!;
  expect([first!.logprob, second!.logprob]).toEqual([0, Number.NEGATIVE_INFINITY]);
});

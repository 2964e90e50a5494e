import { describe, expect, test } from 'vitest';
import { aggregate, ratioOf } from '../../src/eval/statistics.ts';

describe('aggregate', () => {
  test('a mean has the deviation of the sample over √n', () => {
    const { value, standardError } = aggregate([1, 0, 0, 1, 1], 'mean');
    expect(value).toBeCloseTo(0.6, 12);
    expect(standardError).toBeCloseTo(Math.sqrt((0.6 * 0.4) / 4), 12);
  });

  test('a perplexity is exp of minus the mean', () => {
    const { value, standardError } = aggregate([-1, -3], 'perplexity');
    expect(value).toBeCloseTo(Math.exp(2), 12);
    expect(standardError).toBeCloseTo(Math.exp(2) * 1, 12);
  });

  test('one value has no error', () => {
    expect(aggregate([0.5], 'mean')).toEqual({ value: 0.5, standardError: undefined });
  });
});

describe('ratioOf', () => {
  test('is the sum over the sum; equal weights give the error of a mean', () => {
    expect(ratioOf([2, 6], [1, 3]).ratio).toBe(2);
    expect(ratioOf([2, 6], [1, 3]).error).toBe(0);
    const { ratio, error } = ratioOf([10, 20, 60], [10, 10, 10]);
    expect(ratio).toBe(3);
    expect(error).toBeCloseTo(aggregate([1, 2, 6], 'mean').standardError!, 12);
    expect(ratioOf([3], [2])).toEqual({ ratio: 1.5, error: undefined });
  });
});

import { describe, expect, test } from 'vitest';
import { normalNumber, randomNumbers } from '../src/random.ts';

const draw = (seed: number, count: number) => {
  const uniform = randomNumbers(seed);
  return Array.from({ length: count }, uniform);
};

describe('random numbers', () => {
  test('are the same for a seed, others for the next one, and within [0, 1)', () => {
    expect(draw(7, 5)).toEqual(draw(7, 5));
    expect(draw(7, 5)).not.toEqual(draw(8, 5));
    for (const value of draw(0, 1000)) {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThan(1);
    }
  });

  test('fill ten bins evenly', () => {
    const bins = Array.from({ length: 10 }, () => 0);
    for (const value of draw(3, 10_000)) bins[Math.floor(10 * value)]! += 1;
    for (const count of bins) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  test('normal ones have mean 0 and deviation 1, also across seeds', () => {
    const values = Array.from({ length: 4000 }, (_, seed) => normalNumber(randomNumbers(seed)));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const square = values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.06);
    expect(Math.abs(square - 1)).toBeLessThan(0.08);
  });
});

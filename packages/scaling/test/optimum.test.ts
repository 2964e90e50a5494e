import { describe, expect, test } from 'vitest';
import { activeCurve, flatRange, lossAtActive, optimalSparsity, PRESETS } from '../src/index.ts';

const { law } = PRESETS['paper-printed'];

describe('S*', () => {
  test('of the printed constants is 50.24 %, not the 45.58 % of the paper', () => {
    const { sparsity, ratio, at } = optimalSparsity(law);
    expect(sparsity).toBeCloseTo(0.50238, 5);
    expect(ratio).toBeCloseTo(2.0096, 4);
    expect(at).toBe('inside');
  });

  test.each(['paper-implied-full', 'paper-implied-ternary'] as const)(
    'of %s is what the paper states, to its digits',
    (name) => {
      const { paperOptimum, law: implied } = PRESETS[name];
      expect(Math.abs(optimalSparsity(implied).sparsity - paperOptimum)).toBeLessThan(5e-5);
    },
  );

  test('is the lowest point of the curve, whatever the active parameters', () => {
    const { sparsity: best } = optimalSparsity(law);
    for (const active of [1e6, 7e9]) {
      const at = (sparsity: number) => lossAtActive(law, { active, sparsity });
      for (const step of [1e-3, 0.01, 0.3]) {
        expect(at(best - step)).toBeGreaterThan(at(best));
        expect(at(best + step)).toBeGreaterThan(at(best));
      }
    }
  });

  test('is 1 − β / α where B is 0', () => {
    expect(optimalSparsity({ ...law, B: 0 }).sparsity).toBeCloseTo(0.5, 12);
  });

  test('is dense where sparsity never pays, and open where it always does', () => {
    expect(optimalSparsity({ ...law, beta: 0.2 })).toEqual({ sparsity: 0, ratio: 1, at: 'dense' });
    for (const beta of [0, -0.1]) expect(optimalSparsity({ ...law, beta }).at).toBe('as-sparse-as-can-be');
    expect(optimalSparsity({ ...law, C: 0 }).at).toBe('as-sparse-as-can-be');
  });
});

describe('around it', () => {
  test('the curve is flat: the reducible loss above the minimum, in percent', () => {
    const points = activeCurve(law, { active: 1e9, sparsities: [0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9] });
    for (const [i, percent] of [1.98, 0.97, 0.17, 0.26, 1.54, 5.94, 26.8].entries())
      expect(100 * points[i]!.excess).toBeCloseTo(percent, 1);
  });

  test('the flat range ends where the excess is reached, or at an end of the scale', () => {
    const [low, high] = flatRange(law, 0.001);
    const [atLow, atHigh] = activeCurve(law, { active: 1e9, sparsities: [low, high] });
    expect(atLow!.excess).toBeCloseTo(0.001, 8);
    expect(atHigh!.excess).toBeCloseTo(0.001, 8);
    expect(low).toBeLessThan(optimalSparsity(law).sparsity);
    expect(flatRange(law, 0.05)[0]).toBe(0);
  });
});

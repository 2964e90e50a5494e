import { describe, expect, test } from 'vitest';
import { inUnit, lossAt, lossAtActive, PRESETS, ScalingError, sparsityFactor } from '../src/index.ts';

const { law } = PRESETS['paper-printed'];

describe('the law', () => {
  test('gives the numbers of its formula', () => {
    expect(sparsityFactor(law, 0.5)).toBeCloseTo(0.01 + 1.89 * Math.exp(0.1), 12);
    // With N in 1e8, the paper's plotted losses: 300M near 3.65, 7B near 3.17.
    expect(lossAt(law, { parameters: 3e8, sparsity: 0 })).toBeCloseTo(3.65, 2);
    expect(lossAt(law, { parameters: 7e9, sparsity: 0 })).toBeCloseTo(3.17, 2);
  });

  test('A(S) / A(0) at the sparsities of the paper', () => {
    const ratio = (sparsity: number) => sparsityFactor(law, sparsity) / sparsityFactor(law, 0);
    expect([0.2, 0.4, 0.6, 0.8, 0.9].map((s) => Number(ratio(s).toFixed(3)))).toEqual([
      1.013, 1.034, 1.077, 1.22, 1.565,
    ]);
  });

  test('fixed active parameters: half of them active means twice as many', () => {
    expect(lossAtActive(law, { active: 1e9, sparsity: 0.5 })).toBe(
      lossAt(law, { parameters: 2e9, sparsity: 0.5 }),
    );
  });

  test('another unit of N changes no loss', () => {
    const raw = inUnit(law, 1);
    expect(raw.unit).toBe(1);
    for (const sparsity of [0, 0.9])
      expect(lossAt(raw, { parameters: 7e9, sparsity })).toBeCloseTo(
        lossAt(law, { parameters: 7e9, sparsity }),
        12,
      );
  });

  test.each([-0.1, 1, Number.NaN])('refuses sparsity %s', (sparsity) => {
    expect(() => lossAt(law, { parameters: 1e9, sparsity })).toThrow(
      `[sparsityFactor] sparsity must be at least 0 and below 1, got ${sparsity}`,
    );
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %s parameters', (parameters) => {
    expect(() => lossAt(law, { parameters, sparsity: 0 })).toThrow(ScalingError);
  });
});

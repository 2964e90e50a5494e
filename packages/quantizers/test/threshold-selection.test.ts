import { NonFiniteError, normal, ShapeError, ValueError } from '@qsparse/core';
import { selectAbove, selectStatistical } from '@qsparse/quantizers';
import fc from 'fast-check';
import { expect, test } from 'vitest';

test('a threshold keeps what is strictly above it and counts it, row by row', () => {
  const { mask, kept, thresholds } = selectAbove([1, -2, 2, -3, 0, -0, 2.5, 1], 4, 2);
  expect(Array.from(mask)).toEqual([0, 0, 0, 1, 0, 0, 1, 0]);
  expect(Array.from(kept)).toEqual([1, 1]);
  expect(Array.from(thresholds)).toEqual([2, 2]);
});

// Published two-sided normal quantiles: the share within t standard deviations.
test.each([
  [0.5, 0.6744897501960817],
  [0.6826894921370859, 1],
  [0.95, 1.959963984540054],
  [0.9544997361036416, 2],
  [0.9973002039367398, 3],
  [1 - 1e-9, 6.109410204869],
])('the threshold of sparsity %d is %d standard deviations', (sparsity, deviations) => {
  // Ones have the mean magnitude of a normal row with this deviation.
  const sigma = Math.sqrt(Math.PI / 2);
  const { thresholds } = selectStatistical([1, -1, 1, -1], 4, sparsity);
  expect(thresholds[0]! / sigma).toBeCloseTo(deviations, 6);
});

test('thresholds grow with the sparsity and stay finite up to the last number below 1', () => {
  let before = 0;
  for (const sparsity of [0.001, 0.1, 0.3, 0.6, 0.9, 0.99, 0.9999, 1 - 1e-6, 1 - 1e-12, 1 - 2 ** -53]) {
    const threshold = selectStatistical([1], 1, sparsity).thresholds[0]!;
    expect(threshold).toBeGreaterThan(before);
    before = threshold;
  }
  expect(before).toBeLessThan(12);
});

test.each([0.3, 0.5, 0.6, 0.9])('normal rows lose about the share asked for: %d', (sparsity) => {
  const width = 20_000;
  const x = normal(7, 0, 2 * width).map((value, i) => (i < width ? value : 100 * value));
  for (const kept of selectStatistical(x, width, sparsity).kept) {
    expect(Math.abs(kept / width - (1 - sparsity))).toBeLessThan(0.012);
  }
});

test('what is reported is what the mask holds', () => {
  const value = fc.oneof(fc.constantFrom(0, -0, 1, -1), fc.double({ min: -1e6, max: 1e6, noNaN: true }));
  const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 30 }), share, (row, sparsity) => {
      const x = [...row, ...row.map((entry) => entry * 3)];
      const { mask, thresholds, kept } = selectStatistical(x, row.length, sparsity);
      x.forEach((entry, i) => {
        expect(mask[i]).toBe(Math.abs(entry) > thresholds[Math.floor(i / row.length)]! ? 1 : 0);
      });
      for (const [r, count] of kept.entries()) {
        const ones = mask.subarray(r * row.length, (r + 1) * row.length).reduce((sum, bit) => sum + bit, 0);
        expect(count).toBe(ones);
      }
    }),
  );
});

test('sparsity 0 keeps all but exact zeros; a row of zeros keeps nothing', () => {
  expect(Array.from(selectStatistical([0, -1e-300, 5, -0, 0, 0, 0, 0], 4, 0).kept)).toEqual([2, 0]);
});

test('bad arguments are refused', () => {
  expect(() => selectAbove([1], 1, -1)).toThrow(ValueError);
  expect(() => selectAbove([1], 1, Number.NaN)).toThrow(ValueError);
  expect(() => selectAbove([1], 1, Number.POSITIVE_INFINITY)).toThrow(ValueError);
  expect(() => selectAbove([1, 2, 3], 2, 1)).toThrow(ShapeError);
  expect(() => selectAbove([Number.NaN], 1, 1)).toThrow(NonFiniteError);
  expect(() => selectStatistical([1], 1, 1)).toThrow(ValueError);
  expect(() => selectStatistical([1], 1, -0.1)).toThrow(ValueError);
  expect(() => selectStatistical([1, 2, 3], 2, 0.5)).toThrow(ShapeError);
  expect(() => selectStatistical([Number.POSITIVE_INFINITY], 1, 0.5)).toThrow(NonFiniteError);
});

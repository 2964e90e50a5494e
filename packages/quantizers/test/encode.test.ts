import { NonFiniteError, ShapeError } from '@qsparse/core';
import { decodeRows, decodeTernary, encodeInt4, encodeInt8, encodeTernary } from '@qsparse/quantizers';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const number = fc.float({ min: -1e6, max: 1e6, noNaN: true });
const row = fc.array(number, { minLength: 1, maxLength: 40 });

test('int8 rounds halves to the even integer', () => {
  const { values, scales } = encodeInt8([127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5, 125.5, 0.49]);
  expect(Array.from(values)).toEqual([127, 0, 2, 2, 0, -2, -2, 126, 126, 0]);
  expect(scales[0]).toBe(1);
});

test('int8 takes its scale per row, and the largest magnitude is ±127', () => {
  const { values, scales } = encodeInt8([1, -2, 0, 0.25, -0.5, 0.5], 3);
  expect(Array.from(values)).toEqual([64, -127, 0, 64, -127, 127]);
  expect(Array.from(scales)).toEqual([2 / 127, 0.5 / 127]);
});

test('int8 errs by at most half a step, and never leaves ±127', () => {
  fc.assert(
    fc.property(row, (x) => {
      const { values, scales } = encodeInt8(x);
      const back = decodeRows({ values, scales });
      x.forEach((value, i) => {
        expect(Math.abs(values[i]!)).toBeLessThanOrEqual(127);
        expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(
          scales[0]! * 0.5000001 + Math.abs(value) * 1e-7,
        );
      });
    }),
  );
});

test('zeros and what is far below 1e-5 become zeros, not NaN', () => {
  for (const encode of [encodeInt8, encodeInt4]) {
    const { values, scales } = encode([0, -0, 1e-12, -Number.MIN_VALUE]);
    expect(Array.from(values)).toEqual([0, 0, 0, 0]);
    expect(scales[0]).toBeGreaterThan(0);
  }
  expect(encodeTernary([0, 0])).toEqual({ values: new Int8Array(2), scale: 1e-5 });
});

test('int4 follows its formula and clamps to -8 … 7', () => {
  const flat = encodeInt4([1, -1, 1, -1]);
  expect(Array.from(flat.values)).toEqual([3, -3, 3, -3]);
  expect(flat.scales[0]).toBeCloseTo(1 / Math.sqrt(7), 15);
  const peaked = encodeInt4([10, -10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  expect(Array.from(peaked.values).slice(0, 2)).toEqual([7, -8]);
  // β = 1.5, √7 / 1.5 = 1.764: the ones become 2.
  expect(peaked.values[19]).toBe(2);
  expect(encodeInt4([1, 1, 100, 100], 2).values).toEqual(Int8Array.of(3, 3, 3, 3));
});

test('ternary follows its formula, halves to even', () => {
  // α = 2: 1 / 2 is a tie and goes to 0, 3 / 2 goes to 2 and is clamped.
  expect(encodeTernary([1, 3, -1, -3])).toEqual({ values: Int8Array.of(0, 1, 0, -1), scale: 2 });
  expect(decodeTernary({ values: Int8Array.of(0, 1, 0, -1), scale: 2 })).toEqual(
    Float32Array.of(0, 2, 0, -2),
  );
});

test('ternary codes are those of the nearest multiples of α', () => {
  fc.assert(
    fc.property(row, (w) => {
      const { values, scale } = encodeTernary(w);
      const mean = w.reduce((sum, value) => sum + Math.abs(value), 0) / w.length;
      expect(scale).toBeCloseTo(Math.max(mean, 1e-5), 10);
      w.forEach((value, i) => {
        const expected = Math.abs(value) <= scale / 2 ? 0 : Math.sign(value);
        expect(values[i]).toBe(expected);
      });
    }),
  );
});

test.each([
  ['encodeInt8', encodeInt8],
  ['encodeInt4', encodeInt4],
  ['encodeTernary', encodeTernary],
] as const)('%s refuses NaN, infinity and nothing', (name, encode) => {
  expect(() => encode([1, Number.NaN])).toThrow(NonFiniteError);
  expect(() => encode([Number.POSITIVE_INFINITY])).toThrow(
    `[${name}] values must be finite, got Infinity at index 0`,
  );
  expect(() => encode([])).toThrow(ShapeError);
});

test('ragged rows are refused in both directions', () => {
  expect(() => encodeInt8([1, 2, 3], 2)).toThrow(ShapeError);
  expect(() => encodeInt4([1, 2, 3], 2)).toThrow(ShapeError);
  expect(() => decodeRows({ values: new Int8Array(3), scales: new Float64Array(2) })).toThrow(ShapeError);
  expect(() => decodeRows({ values: new Int8Array(3), scales: new Float64Array(0) })).toThrow(ShapeError);
  expect(() => decodeRows({ values: new Int8Array(0), scales: new Float64Array(1) })).toThrow(ShapeError);
});

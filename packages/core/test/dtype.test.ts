import { byteLength, fromBf16Bits, roundTo, toBf16Bits } from '@qsparse/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';

test('bytes of whole and packed elements', () => {
  expect(byteLength('f32', 3)).toBe(12);
  expect(byteLength('bf16', 3)).toBe(6);
  expect(byteLength('i8', 3)).toBe(3);
  expect([1, 4, 5, 8, 9].map((count) => byteLength('ternary', count))).toEqual([1, 1, 2, 2, 3]);
});

test('bf16 patterns of known numbers', () => {
  expect(toBf16Bits(1)).toBe(0x3f80);
  expect(toBf16Bits(-2)).toBe(0xc000);
  expect(toBf16Bits(Number.POSITIVE_INFINITY)).toBe(0x7f80);
  expect(toBf16Bits(-0)).toBe(0x8000);
  expect(toBf16Bits(3.4e38)).toBe(0x7f80);
  expect(Number.isNaN(fromBf16Bits(toBf16Bits(Number.NaN)))).toBe(true);
});

test('every pattern survives, and rounding finds the nearest with ties to even', () => {
  for (let bits = 0; bits < 0x10000; bits += 7) {
    const value = fromBf16Bits(bits);
    if (!Number.isNaN(value)) expect(toBf16Bits(value)).toBe(bits);
  }
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const bits = toBf16Bits(value);
      const rounded = fromBf16Bits(bits);
      if (!Number.isFinite(rounded)) return;
      const error = Math.abs(rounded - value);
      for (const other of [bits - 1, bits + 1]) {
        const distance = Math.abs(fromBf16Bits(other & 0xffff) - value);
        if (Number.isNaN(distance)) continue;
        expect(error < distance || (error === distance && bits % 2 === 0)).toBe(true);
      }
    }),
  );
});

test('roundTo gives what memory of the dtype holds', () => {
  const numbers = [1 + 2 ** -8, -1 - 3 * 2 ** -8, 1 / 3, Number.NaN, -0];
  const inBf16 = Float64Array.from(numbers);
  roundTo('bf16', inBf16);
  expect([...inBf16]).toEqual([1, -1 - 2 ** -6, fromBf16Bits(toBf16Bits(1 / 3)), Number.NaN, -0]);
  const inF32 = Float64Array.from(numbers);
  roundTo('f32', inF32); // the reference device keeps float64 there
  expect([...inF32]).toEqual(numbers);
});

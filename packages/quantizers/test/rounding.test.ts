import fc from 'fast-check';
import { expect, test } from 'vitest';
import { roundHalfEven, roundWithin } from '../src/rounding.ts';

test('halves go to the even neighbour', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 49), max: 2 ** 49 }), (whole) => {
      const rounded = roundHalfEven(whole + 0.5);
      expect(Math.abs(rounded - whole - 0.5)).toBe(0.5);
      expect(Math.abs(rounded % 2)).toBe(0);
    }),
  );
});

test('all else goes to the nearest, large numbers stay', () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(fc.oneof(number, fc.double({ min: -300, max: 300, noNaN: true })), (value) => {
      const rounded = roundHalfEven(value);
      expect(Number.isInteger(rounded)).toBe(true);
      expect(Math.abs(rounded - value)).toBeLessThanOrEqual(0.5);
    }),
  );
  expect(roundHalfEven(2 ** 60 + 2 ** 10)).toBe(2 ** 60 + 2 ** 10);
  expect(roundHalfEven(0.49999999999999994)).toBe(0);
});

test('clamps after rounding', () => {
  expect([127.5, -127.5, 1e300, -1e300, 126.5].map((value) => roundWithin(value, -127, 127))).toEqual([
    127, -127, 127, -127, 126,
  ]);
});

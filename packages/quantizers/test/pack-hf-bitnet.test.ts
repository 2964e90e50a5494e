import { ShapeError, ValueError } from '@qsparse/core';
import { packHfBitnet, unpackHfBitnet } from '@qsparse/quantizers';
import fc from 'fast-check';
import { expect, test } from 'vitest';

test('W[r, c] = ((r + 2c) mod 3) - 1, 8 x 3', () => {
  const w = Int8Array.from({ length: 24 }, (_, i) => ((Math.floor(i / 3) + 2 * (i % 3)) % 3) - 1);
  const bytes = Uint8Array.of(0x18, 0x86, 0x61, 0x61, 0x18, 0x86);
  expect(packHfBitnet(w, 8, 3)).toEqual(bytes);
  expect(unpackHfBitnet(bytes, 8, 3)).toEqual(w);
});

test('the example of the transformers documentation, 8 x 2', () => {
  const bytes = Uint8Array.of(0b10100001, 0b00011000, 0b10010000, 0b00001010);
  const w = Int8Array.of(0, -1, -1, 1, -1, 1, -1, 1, 1, 0, 0, -1, 1, -1, 1, -1);
  expect(unpackHfBitnet(bytes, 8, 2)).toEqual(w);
  expect(packHfBitnet(w, 8, 2)).toEqual(bytes);
});

test('any shape comes back', () => {
  const size = fc.integer({ min: 1, max: 13 });
  fc.assert(
    fc.property(size, size, fc.infiniteStream(fc.constantFrom(-1, 0, 1)), (quarter, inputs, stream) => {
      const w = Int8Array.from(stream.take(4 * quarter * inputs));
      const packed = packHfBitnet(w, 4 * quarter, inputs);
      expect(packed.length).toBe(quarter * inputs);
      expect(unpackHfBitnet(packed, 4 * quarter, inputs)).toEqual(w);
    }),
    { numRuns: 40 },
  );
});

test('the argument is left as it was', () => {
  const w = Int8Array.of(-1, 0, 1, 0);
  packHfBitnet(w, 4, 1);
  expect(w).toEqual(Int8Array.of(-1, 0, 1, 0));
});

test('outputs must divide by 4', () => {
  const message = '[packHfBitnet] outputs must be divisible by 4, got 6; this layout has no padding';
  expect(() => packHfBitnet(new Int8Array(6), 6, 1)).toThrow(ShapeError);
  expect(() => packHfBitnet(new Int8Array(6), 6, 1)).toThrow(message);
  expect(() => unpackHfBitnet(new Uint8Array(2), 6, 1)).toThrow(ShapeError);
});

test('other values, other lengths and code 3 are refused', () => {
  expect(() => packHfBitnet([0, 0, 0, 2], 4, 1)).toThrow(ValueError);
  expect(() => packHfBitnet([0, 0, Number.NaN, 0], 4, 1)).toThrow('got NaN at index 2');
  expect(() => packHfBitnet([0, 0, 0], 4, 1)).toThrow(ShapeError);
  expect(() => packHfBitnet([], 0, 1)).toThrow(ShapeError);
  expect(() => unpackHfBitnet(new Uint8Array(3), 8, 2)).toThrow(ShapeError);
  expect(() => unpackHfBitnet(Uint8Array.of(0x55, 0x75), 4, 2)).toThrow(ValueError);
});

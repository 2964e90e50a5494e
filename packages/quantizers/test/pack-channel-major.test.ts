import { ShapeError, ValueError } from '@qsparse/core';
import { channelBytes, packChannelMajor, unpackChannelMajor } from '@qsparse/quantizers';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const ternary = fc.constantFrom(-1, 0, 1);

test('a small matrix by hand: one channel after the other, padding is zeros', () => {
  // W [3, 2]; channel 0 is -1, 1, 0 and channel 1 is 0, 1, -1.
  const packed = packChannelMajor([-1, 0, 1, 1, 0, -1], 3, 2);
  expect(packed.length).toBe(128);
  expect(Array.from(packed.subarray(0, 4))).toEqual([0x54, 0x56, 0x55, 0x55]);
  expect(Array.from(packed.subarray(64, 68))).toEqual([0x55, 0x56, 0x54, 0x55]);
  expect(new Set(packed.subarray(4, 64))).toEqual(new Set([0x55]));
});

test('output 256 n + 64 j + b is in bits 2j of byte 64 n + b of its channel', () => {
  const [outputs, inputs] = [600, 3];
  for (const output of [0, 63, 64, 127, 128, 200, 255, 256, 320, 511, 512, 599]) {
    const w = new Int8Array(outputs * inputs);
    w[output * inputs + 1] = 1;
    const packed = packChannelMajor(w, outputs, inputs);
    const expected = new Uint8Array(inputs * 192).fill(0x55);
    const byte = 192 + 64 * Math.floor(output / 256) + (output % 64);
    expected[byte] = 0x55 + (1 << (2 * Math.floor((output % 256) / 64)));
    expect(packed).toEqual(expected);
  }
});

test('any shape comes back', () => {
  const size = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(63, 64, 65, 255, 256, 257, 513));
  fc.assert(
    fc.property(
      size,
      fc.integer({ min: 1, max: 7 }),
      fc.infiniteStream(ternary),
      (outputs, inputs, stream) => {
        const w = Int8Array.from(stream.take(outputs * inputs));
        const packed = packChannelMajor(w, outputs, inputs);
        expect(packed.length).toBe(inputs * channelBytes(outputs));
        expect(unpackChannelMajor(packed, outputs, inputs)).toEqual(w);
      },
    ),
    { numRuns: 40 },
  );
});

test('bytes of a channel: 64 for each 256 outputs begun', () => {
  expect([1, 256, 257, 2560].map(channelBytes)).toEqual([64, 64, 128, 640]);
});

test('other values, other lengths and other sizes are refused', () => {
  for (const bad of [2, -2, 0.5, Number.NaN, 255]) {
    expect(() => packChannelMajor([0, bad], 2, 1)).toThrow(ValueError);
    expect(() => packChannelMajor([0, bad], 2, 1)).toThrow(`got ${bad} at index 1`);
  }
  expect(() => packChannelMajor([0, 1, 0], 2, 2)).toThrow(ShapeError);
  expect(() => packChannelMajor([], 0, 4)).toThrow(ShapeError);
  expect(() => packChannelMajor([0], 0.5, 2)).toThrow(ShapeError);
  expect(() => unpackChannelMajor(new Uint8Array(63), 2, 1)).toThrow(ShapeError);
  expect(() => unpackChannelMajor(new Uint8Array(128), 2, 1)).toThrow(ShapeError);
  expect(() => unpackChannelMajor(new Uint8Array(64), 2, -1)).toThrow(ShapeError);
});

test('a code 3 is refused where an output lies', () => {
  const packed = new Uint8Array(64).fill(0x55);
  packed[5] = 0x57;
  expect(() => unpackChannelMajor(packed, 6, 1)).toThrow('codes must be 0, 1 or 2, got 3 in byte 5');
  expect(unpackChannelMajor(packed, 5, 1)).toEqual(new Int8Array(5));
});

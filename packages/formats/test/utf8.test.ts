import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeUtf8, encodeUtf8, hasLoneSurrogate } from '../src/utf8.ts';
import { failure } from './helpers/outcome.ts';

const options = { label: 'test', file: 'f' };

test('well-formed text survives', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => decodeUtf8(encodeUtf8(text), options) === text),
  );
});

test('the first wrong byte is named', async () => {
  for (const [bytes, at] of [
    [[0x61, 0xff], 1],
    [[0x80], 0],
    // An overlong slash, a surrogate, a sequence cut off.
    [[0x61, 0x62, 0xc0, 0xaf], 2],
    [[0xed, 0xa0, 0x80], 1],
  ] as const) {
    const error = await failure(() => decodeUtf8(Uint8Array.from(bytes), options), 'encoding');
    expect(error.message).toContain(`byte ${at} is not`);
    expect(error.file).toBe('f');
  }
  await failure(() => decodeUtf8(Uint8Array.from([0x61, 0xe2, 0x82]), options), 'encoding');
});

test('a byte order mark is kept or dropped as asked', () => {
  const marked = Uint8Array.from([0xef, 0xbb, 0xbf, 0x7b]);
  expect(decodeUtf8(marked, options)).toBe('\ufeff{');
  expect(decodeUtf8(marked, { ...options, dropMark: true })).toBe('{');
});

test('shared memory can be decoded', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(2)).fill(0x61);
  expect(decodeUtf8(shared, options)).toBe('aa');
});

test('halves of surrogate pairs are found', () => {
  expect(hasLoneSurrogate('a\ud800')).toBe(true);
  expect(hasLoneSurrogate('\udc00\ud800')).toBe(true);
  expect(hasLoneSurrogate('😀')).toBe(false);
});

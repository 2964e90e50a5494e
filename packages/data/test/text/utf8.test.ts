import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextError } from '../../src/errors.ts';
import { createUtf8Decoder, firstInvalid } from '../../src/text/utf8.ts';
import { anyText } from '../any-text.ts';

/** Feeds the bytes in pieces cut at the given places. */
function decode(bytes: Uint8Array, cuts: readonly number[] = []): string {
  const decoder = createUtf8Decoder('a.txt');
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  let text = '';
  for (let i = 1; i < places.length; i++) {
    // A buffer that its owner reuses at once.
    const chunk = Buffer.from(bytes.subarray(places[i - 1], places[i]));
    text += decoder.push(chunk);
    chunk.fill(0x78);
  }
  decoder.end();
  return text;
}

function failure(bytes: readonly number[], cuts: readonly number[] = []): TextError {
  try {
    decode(Uint8Array.from(bytes), cuts);
  } catch (error) {
    if (error instanceof TextError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function isValid(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Overlong forms, surrogates, beyond U+10FFFF, cut off, and the valid neighbours of each. */
const ALMOST_UTF8 = [
  [0xc0, 0x80],
  [0xc1, 0xbf],
  [0xc2, 0x80],
  [0xe0, 0x80, 0x80],
  [0xe0, 0x9f, 0xbf],
  [0xe0, 0xa0, 0x80],
  [0xed, 0x9f, 0xbf],
  [0xed, 0xa0, 0x80],
  [0xed, 0xbf, 0xbf],
  [0xee, 0x80, 0x80],
  [0xf0, 0x8f, 0xbf, 0xbf],
  [0xf0, 0x90, 0x80, 0x80],
  [0xf4, 0x8f, 0xbf, 0xbf],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf5, 0x80, 0x80, 0x80],
  [0xe2, 0x82],
  [0xf0, 0x9f, 0x91],
];

const cuts = fc.array(fc.nat(), { maxLength: 6 });

describe('createUtf8Decoder', () => {
  it('gives the text back wherever it is cut', () => {
    fc.assert(
      fc.property(anyText(60), cuts, (text, places) => {
        fc.pre(!text.includes('\0') && !text.startsWith('\ufeff'));
        expect(decode(Buffer.from(text), places)).toBe(text);
      }),
      { numRuns: 200 },
    );
  });

  it('accepts exactly what a strict TextDecoder accepts, without NUL', () => {
    const part = fc.oneof(
      fc.integer({ min: 1, max: 255 }).map((byte) => [byte]),
      fc.constantFrom('a', 'é', '漢', '👍').map((text) => [...Buffer.from(text)]),
      fc.constantFrom(...ALMOST_UTF8),
    );
    const bytes = fc.array(part, { maxLength: 5 }).map((parts) => parts.flat());
    fc.assert(
      fc.property(bytes, cuts, (values, places) => {
        const given = Uint8Array.from(values);
        if (isValid(given)) {
          expect(decode(given, places)).toBe(new TextDecoder().decode(given));
          return;
        }
        const error = failure(values, places);
        expect(error.code).toBe('not-text');
        // The named byte begins the first ill-formed sequence, wherever the cuts are: no more than what is before
        // it can be decoded.
        const valid = values
          .map((_, length) => length)
          .filter((length) => isValid(given.subarray(0, length)));
        expect(error.byte).toBe(Math.max(...valid));
        expect(firstInvalid(given)).toBe(error.byte);
      }),
      { numRuns: 800 },
    );
  });

  it('names the byte, counted over all chunks', () => {
    expect(failure([97, 98, 0xff, 99], [1, 2]).message).toBe(
      '[readDocuments] a.txt: invalid UTF-8 at byte 2: this is not UTF-8 text; give plain text saved as UTF-8',
    );
    expect(failure([97, 0, 98]).message).toMatch(/a NUL byte at byte 1:/);
    expect(failure([97, 0xff, 0]).byte).toBe(1);
    expect(failure([97, 0, 0xff]).byte).toBe(1);
    expect(failure([97, 0xe2, 0x82, 0]).byte).toBe(1);
    expect(failure([97, 0xe2, 0x82], [1, 2]).message).toMatch(/an incomplete UTF-8 character at byte 1:/);
  });

  it('drops one byte order mark at the start, and only there', () => {
    const mark = [0xef, 0xbb, 0xbf];
    expect(decode(Uint8Array.from([...mark, 97, ...mark]), [1, 2])).toBe('a\ufeff');
    expect(decode(Uint8Array.from([...mark, ...mark]))).toBe('\ufeff');
    expect(failure([...mark, 97, 0xff]).byte).toBe(4);
  });

  it.each([
    [[0x1f, 0x8b, 8, 0], /it is gzip/],
    [[0xff, 0xfe, 97, 0], /it is UTF-16/],
    [[0xfe, 0xff, 0, 97], /it is UTF-16/],
    [[0x50, 0x4b, 3, 4, 0], /it is a zip archive/],
    [[0x50, 0x41, 0x52, 0x31, 0], /it is Parquet/],
  ])('recognises %j', (bytes, hint) => {
    expect(failure(bytes).hint).toMatch(hint);
  });
});

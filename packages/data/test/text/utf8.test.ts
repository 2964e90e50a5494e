import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextError } from '../../src/errors.ts';
import { createUtf8Decoder, firstInvalid } from '../../src/text/utf8.ts';

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

const cuts = fc.array(fc.nat(), { maxLength: 6 });

describe('createUtf8Decoder', () => {
  it('gives the text back wherever it is cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), cuts, (text, places) => {
        fc.pre(!text.includes('\0') && !text.startsWith('\ufeff'));
        expect(decode(Buffer.from(text), places)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it('accepts exactly what a strict TextDecoder accepts, without NUL', () => {
    const bytes = fc.array(
      fc.oneof(
        fc.integer({ min: 1, max: 255 }),
        fc.constantFrom(0xe0, 0xed, 0xf0, 0xf4, 0x80, 0x9f, 0xbf, 0xc3),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(bytes, cuts, (values, places) => {
        const given = Uint8Array.from(values);
        let expected: string | undefined;
        try {
          expected = new TextDecoder('utf-8', { fatal: true }).decode(given);
        } catch {}
        if (expected !== undefined) {
          expect(decode(given, places)).toBe(expected);
          return;
        }
        const error = failure(values, places);
        expect(error.code).toBe('not-text');
        // The named byte begins the first ill-formed sequence, wherever the cuts are.
        expect(error.byte).toBe(firstInvalid(given));
        expect(() =>
          new TextDecoder('utf-8', { fatal: true }).decode(given.subarray(0, error.byte)),
        ).not.toThrow();
      }),
      { numRuns: 2000 },
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

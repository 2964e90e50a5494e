import { byteLevelTokenizer } from '@qsparse/formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BYTE_SYMBOLS } from '../../src/tokenizer/alphabet.ts';
import { readDefinition } from '../../src/tokenizer/definition.ts';
import { createVocabulary } from '../../src/tokenizer/vocabulary.ts';
import { createOracle } from '../oracle.ts';

const bytes = BYTE_SYMBOLS.map((symbol, byte) => [symbol, byte] as const);
const json = byteLevelTokenizer({
  vocab: new Map([...bytes, ['<end>', 256], ['ðŁ', 257], ['ĳįðŁ', 258], ['ab', 300]]),
  merges: [],
  specialTokens: new Map([
    ['<end>', 256],
    ['👍', 400],
  ]),
});
const vocabulary = createVocabulary(readDefinition(json).tokens);
const ids = fc.array(
  fc.oneof(
    fc.nat(255),
    fc.constantFrom(256, 257, 258, 300, 400, 0xf0, 0x9f, 0x91, 0x8d, 0xef, 0xbb, 0xbf, 0xed, 0xa0),
  ),
  { maxLength: 30 },
);

describe('createVocabulary', () => {
  it('counts up to the largest id', () => {
    expect(vocabulary.size).toBe(401);
  });

  it('decodes any ids as the other implementation does', () => {
    const oracle = createOracle(json);
    fc.assert(
      fc.property(ids, (list) => {
        expect(vocabulary.decode(list)).toBe(oracle.decode(list));
      }),
      { numRuns: 400 },
    );
  });

  it('gives the same id by id, and never half a character', () => {
    const decoder = vocabulary.decoder();
    fc.assert(
      fc.property(ids, (list) => {
        // The same decoder again and again: flush leaves nothing behind.
        const pieces = [...list.map((id) => decoder.push(id)), decoder.flush()];
        expect(pieces.join('')).toBe(vocabulary.decode(list));
        for (const piece of pieces) expect(piece).not.toMatch(/\p{Surrogate}/u);
      }),
      { numRuns: 400 },
    );
  });

  it('holds an incomplete character back until it is complete or cannot be', () => {
    const decoder = vocabulary.decoder();
    expect([0xf0, 0x9f, 0x91, 0x8d].map((id) => decoder.push(id))).toEqual(['', '', '', '👍']);
    expect([0xf0, 0x9f, 256].map((id) => decoder.push(id)).join('|')).toBe('||\ufffd<end>');
    decoder.push(0xc3);
    expect(decoder.flush()).toBe('\ufffd');
    expect(decoder.flush()).toBe('');
  });

  it('takes typed arrays and many ids', () => {
    const many = Uint16Array.from({ length: 100_000 }, (_, at) => 97 + (at % 26));
    expect(vocabulary.decode(many)).toHaveLength(100_000);
    expect(vocabulary.decode(new Int32Array(0))).toBe('');
  });

  it.each([401, -1, 1.5, Number.NaN, 2 ** 40, 299])('refuses id %d', (bad) => {
    const known = Number.isInteger(bad) && bad >= 0 && bad < 401;
    const what = known
      ? `id ${bad} stands for nothing, at index 1`
      : `ids must be integers from 0 to 400, got ${bad}, at index 1`;
    const error = expect.objectContaining({ code: 'vocabulary', message: expect.stringContaining(what) });
    expect(() => vocabulary.decode([97, bad])).toThrow(error);
    const decoder = vocabulary.decoder();
    decoder.push(97);
    expect(() => decoder.push(bad)).toThrow(error);
    expect(decoder.push(98)).toBe('b');
  });
});

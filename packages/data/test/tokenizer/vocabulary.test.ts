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

  it('leaves special tokens out where asked, at once and id by id', () => {
    const list = [97, 256, 0xc3, 400, 0xa9, 300];
    expect(vocabulary.decode(list, { specialTokens: 'skip' })).toBe('aéab');
    const decoder = vocabulary.decoder({ specialTokens: 'skip' });
    expect([...list.map((id) => decoder.push(id)), decoder.flush()]).toEqual([
      'a',
      '',
      '',
      '',
      'é',
      'ab',
      '',
    ]);
  });

  it('goes on after other ids, once', () => {
    const decoder = vocabulary.decoder({ after: [97, 0xf0, 0x9f] });
    expect([decoder.push(0x91), decoder.push(0x8d), decoder.flush()]).toEqual(['', '👍', '']);
    expect(decoder.push(98)).toBe('b');
    expect(() => vocabulary.decoder({ after: [-1] })).toThrow(/ids must be integers/);
  });

  it('edits each text from its start', () => {
    const editor = () => {
      let count = 0;
      return (piece: string) => (piece === '' ? '' : `${count++}${piece}`);
    };
    const edited = createVocabulary(readDefinition(json).tokens, editor);
    expect([edited.decode([97, 98]), edited.decode([97])]).toEqual(['0ab', '0a']);
    const decoder = edited.decoder();
    expect([decoder.push(97), decoder.push(98), decoder.flush(), decoder.push(97)]).toEqual([
      '0a',
      '1b',
      '',
      '0a',
    ]);
  });

  it('lets a later token replace an earlier one of its id', () => {
    const token = (letter: number) => ({ id: 3, bytes: Uint8Array.of(letter), special: false });
    expect(createVocabulary([token(97), token(98)]).decode([3])).toBe('b');
    expect(() => createVocabulary([token(97)]).decode([2])).toThrow(/id 2 stands for nothing/);
    expect(createVocabulary([]).size).toBe(0);
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

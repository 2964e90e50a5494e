import { parseTokenizerJson, type TokenDecoder } from '@qsparse/formats';
import { describe, expect, it } from 'vitest';
import { createCharacterVocabulary } from '../../src/pretrained/character-vocabulary.ts';
import { tinyModel } from '../tiny-models.ts';

const file = tinyModel('mistral')['tokenizer.json'];
const json = parseTokenizerJson(JSON.stringify(file));
const id = (token: string): number => json.model.vocab.get(token)!;
const vocabulary = (decoder: TokenDecoder) =>
  createCharacterVocabulary({ ...json, decoder }, 'tokenizer.json');
const BYTE = 3;

describe('createCharacterVocabulary', () => {
  const { decode, decoder } = createCharacterVocabulary(json, 'tokenizer.json');

  it('turns marks into spaces, but for the one at the start', () => {
    expect(decode([id('▁'), id('▁'), id('a'), id('▁'), id('b')])).toBe(' a b');
    expect(decode([id('a'), id('▁')])).toBe('a ');
    expect(decode([1, id('▁'), id('a')])).toBe('<s> a');
    expect(decode([1, id('▁'), id('a')], { specialTokens: 'skip' })).toBe('a');
    expect(decode([])).toBe('');
  });

  it('joins bytes to characters, and replaces what is none', () => {
    const bytes = [...new TextEncoder().encode('👍')].map((byte) => BYTE + byte);
    expect(decode(bytes)).toBe('👍');
    expect(decode([...bytes.slice(0, 3), id('a')])).toBe('\ufffda');
    const stream = decoder();
    expect(bytes.map((byte) => stream.push(byte))).toEqual(['', '', '', '👍']);
    expect([stream.push(bytes[0]!), stream.push(id('a')), stream.flush()].join('|')).toBe('|\ufffda|');
  });

  it('knows by what comes before that its first mark is a space', () => {
    const word = [id('▁'), id('a')];
    const fresh = decoder();
    expect(word.map((token) => fresh.push(token)).join('')).toBe('a');
    const after = decoder({ after: [1, ...word] });
    expect(word.map((token) => after.push(token)).join('')).toBe(' a');
    after.flush();
    expect(word.map((token) => after.push(token)).join('')).toBe('a');
  });

  it('reads Metaspace, and leaves bytes spelled without ByteFallback', () => {
    const marks = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true } as const;
    expect(vocabulary(marks).decode([id('▁'), id('a'), id('▁'), BYTE + 10])).toBe('a <0x0A>');
    expect(vocabulary({ ...marks, prepend_scheme: 'never' }).decode([id('▁'), id('a')])).toBe(' a');
  });

  it('strips as often as the file says', () => {
    const decoders = [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 2, stop: 0 },
    ] as const;
    const twice = vocabulary({ type: 'Sequence', decoders });
    const marks = [id('▁'), id('▁'), id('▁'), id('a')];
    expect(twice.decode(marks)).toBe(' a');
    const stream = twice.decoder();
    expect([...marks.map((mark) => stream.push(mark)), stream.flush()].join('')).toBe(' a');
  });

  it.each<[TokenDecoder, RegExp]>([
    [{ type: 'Strip', content: ' ', start: 1, stop: 0 }, /decoders\.0 \(Strip\) stands where/],
    [
      { type: 'Sequence', decoders: [{ type: 'Fuse' }, { type: 'Strip', content: ' ', start: 0, stop: 1 }] },
      /decoders\.1 \(Strip\)/,
    ],
    [
      { type: 'Sequence', decoders: [{ type: 'Fuse' }, { type: 'Strip', content: 'ab', start: 1, stop: 0 }] },
      /decoders\.1\.content must be one character/,
    ],
    [
      { type: 'Sequence', decoders: [{ type: 'Fuse' }, { type: 'ByteFallback' }] },
      /decoders\.1 \(ByteFallback\)/,
    ],
  ])('refuses steps that cannot be streamed: %j', (decoder, message) => {
    expect(() => vocabulary(decoder)).toThrow(message);
  });
});

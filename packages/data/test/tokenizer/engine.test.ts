import { expect, it } from 'vitest';
import { createByteTokenizer } from '../../src/tokenizer/byte.ts';
import { assemble, type TokenizerParts } from '../../src/tokenizer/engine.ts';
import { createVocabulary } from '../../src/tokenizer/vocabulary.ts';

function build(parts: Partial<TokenizerParts> = {}) {
  const encoded: string[] = [];
  const divided: [string, boolean][] = [];
  const tokenizer = assemble({
    json: createByteTokenizer().toJson(),
    vocabulary: createVocabulary([{ id: 9, bytes: Uint8Array.of(97), special: false }]),
    specialTokens: new Map([['#', 0]]),
    endOfText: 0,
    stopTokens: [0],
    before: [1],
    after: [2, 3],
    split: (text, parse) => (parse ? text.split(/(#)/).map((part) => (part === '#' ? 0 : part)) : [text]),
    divide(text, first, emit) {
      divided.push([text, first]);
      for (const word of text.split(' ')) if (word !== '') emit(word);
    },
    encodeWord(word) {
      encoded.push(word);
      return Int32Array.of(10 + word.length);
    },
    ...parts,
  });
  return { tokenizer, encoded, divided };
}

it('puts ids around a text unless told otherwise', () => {
  const { tokenizer } = build();
  expect([...tokenizer.encode('a bb#c')]).toEqual([1, 11, 12, 0, 11, 2, 3]);
  expect([...tokenizer.encode('a', { addSpecialTokens: false })]).toEqual([11]);
  expect([...tokenizer.encode('')]).toEqual([1, 2, 3]);
  expect([...tokenizer.encode('a#', { specialTokens: 'text', addSpecialTokens: false })]).toEqual([12]);
});

it('says which part is where the input begins', () => {
  const { tokenizer, divided } = build();
  tokenizer.encode('a#b');
  expect(divided).toEqual([
    ['a', true],
    ['b', false],
  ]);
});

it('encodes a word that comes again once, a long one each time', () => {
  const { tokenizer, encoded } = build();
  const long = 'x'.repeat(100);
  tokenizer.encode(`a a ${long} ${long} a`);
  expect(encoded).toEqual(['a', long, long]);
});

it('takes out the guard before anything is divided', () => {
  const { tokenizer, divided } = build();
  tokenizer.encode('a!b#!c', { guard: '!' });
  expect(divided.map(([text]) => text)).toEqual(['ab', 'c']);
});

it('has no beginning of text unless there is one', () => {
  expect(build().tokenizer).toMatchObject({
    beginOfText: undefined,
    endOfText: 0,
    stopTokens: [0],
    vocabularySize: 10,
  });
  expect(build({ beginOfText: 1 }).tokenizer.beginOfText).toBe(1);
});

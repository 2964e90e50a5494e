import { formatTokenizerJson, parseTokenizerJson } from '@qsparse/formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createByteTokenizer, isByteDefinition } from '../../src/tokenizer/byte.ts';
import { readDefinition } from '../../src/tokenizer/definition.ts';
import { BYTE_LEVEL, createOracle, hostileText, wellFormed } from '../oracle.ts';

const tokenizer = createByteTokenizer({ specialTokens: ['<|user|>', '<|endoftext|>'] });

describe('createByteTokenizer', () => {
  it('gives bytes as they are and special tokens from 256 on', () => {
    const plain = createByteTokenizer();
    expect(plain).toMatchObject({ vocabularySize: 257, endOfText: 256 });
    expect(plain.encode('aé\0<|endoftext|>b')).toEqual(Int32Array.of(97, 0xc3, 0xa9, 0, 256, 98));
    expect(plain.encode('<|endoftext|>', { specialTokens: 'text' })).toEqual(
      Int32Array.from(Buffer.from('<|endoftext|>')),
    );
    expect(plain.encode('')).toEqual(new Int32Array(0));
    expect(plain).toMatchObject({ beginOfText: undefined, stopTokens: [256] });
    expect(plain.encode('a!b<|endo!ftext|>', { guard: '!' })).toHaveLength(2 + '<|endoftext|>'.length);
    expect(plain.encode('!<|endoftext|>!b', { guard: '!' })).toEqual(Int32Array.of(256, 98));
    expect(tokenizer).toMatchObject({ vocabularySize: 258, endOfText: 257 });
    expect([...tokenizer.specialTokens]).toEqual([
      ['<|user|>', 256],
      ['<|endoftext|>', 257],
    ]);
  });

  it('can end documents with another token', () => {
    expect(createByteTokenizer({ specialTokens: ['<s>', '</s>'], endOfText: '</s>' }).endOfText).toBe(257);
    expect(() => createByteTokenizer({ specialTokens: ['</s>'] })).toThrow(
      expect.objectContaining({ code: 'vocabulary', where: 'createByteTokenizer' }),
    );
  });

  it.each(['parse', 'text'] as const)(
    'agrees with the other implementation, special tokens as %s',
    (specialTokens) => {
      const oracle = createOracle(tokenizer.toJson(), specialTokens);
      fc.assert(
        fc.property(hostileText, (text) => {
          const ids = tokenizer.encode(text, { specialTokens });
          expect([...ids]).toEqual(oracle.encode(text));
          expect(tokenizer.decode(ids)).toBe(wellFormed(text));
        }),
        { numRuns: 500 },
      );
    },
  );
});

describe('isByteDefinition', () => {
  const json = tokenizer.toJson();
  const { model } = json;

  it('knows the file again after writing and reading', () => {
    expect(isByteDefinition(readDefinition(parseTokenizerJson(formatTokenizerJson(json))))).toBe(true);
  });

  it('knows what is different', () => {
    const vocab = new Map(model.vocab);
    vocab.set('a', 98);
    vocab.set('b', 97);
    const more = new Map([...model.vocab, ['ab', 258]]);
    const moved = json.added_tokens.map((token) => ({ ...token, id: token.id + 1 }));
    const movedVocab = new Map([...model.vocab].map(([token, id]) => [token, id < 256 ? id : id + 1]));
    for (const other of [
      { ...json, model: { ...model, vocab } },
      { ...json, model: { ...model, vocab: more } },
      { ...json, model: { ...model, vocab: more, merges: [['a', 'b']] as const } },
      { ...json, added_tokens: moved, model: { ...model, vocab: movedVocab } },
      { ...json, pre_tokenizer: { ...BYTE_LEVEL, add_prefix_space: true } },
    ]) {
      expect(isByteDefinition(readDefinition(other))).toBe(false);
    }
  });
});

import { FormatError, formatTokenizerJson, parseTokenizerJson } from '@qsparse/formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenizerError } from '../../src/errors.ts';
import { createByteTokenizer } from '../../src/tokenizer/byte.ts';
import { isByteTokenizerJson, tokenizerFromJson } from '../../src/tokenizer/load.ts';
import { trainBpe } from '../../src/tokenizer/train.ts';
import { createOracle } from '../oracle.ts';
import { shakespeare } from '../shakespeare.ts';

const bpe = await trainBpe([shakespeare], { vocabSize: 400 });
const bpeText = formatTokenizerJson(bpe.toJson());
const byteText = formatTokenizerJson(createByteTokenizer().toJson());

/** GPT-2's own way to write the file: other id order, merges as strings, no type, the end of text last. */
function foreignFile(): Record<string, unknown> {
  const { vocab, merges } = JSON.parse(bpeText).model;
  const tokens = Object.keys(vocab)
    .filter((token) => token !== '<|endoftext|>')
    .sort();
  const ids = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false };
  return {
    version: '1.0',
    truncation: { max_length: 8, strategy: 'LongestFirst', stride: 0 },
    padding: null,
    added_tokens: [
      {
        id: tokens.length,
        content: '<|endoftext|>',
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: true,
        special: true,
      },
    ],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: byteLevel,
    decoder: { ...byteLevel, add_prefix_space: true },
    model: {
      dropout: null,
      unk_token: '<|endoftext|>',
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      vocab: ids,
      merges,
    },
  };
}

describe('tokenizerFromJson', () => {
  it('loads what was written, with the same ids, from text, bytes and checked values', () => {
    const sources = [bpeText, new TextEncoder().encode(bpeText), parseTokenizerJson(bpeText)];
    for (const source of sources) {
      const loaded = tokenizerFromJson(source);
      expect(loaded).toMatchObject({ vocabularySize: 400, endOfText: 256 });
      expect(loaded.encode(shakespeare)).toEqual(bpe.encode(shakespeare));
      expect(formatTokenizerJson(loaded.toJson())).toBe(bpeText);
    }
  });

  it('loads a file that others wrote', () => {
    const loaded = tokenizerFromJson(JSON.stringify(foreignFile()));
    const oracle = createOracle(loaded.toJson());
    expect(loaded).toMatchObject({ vocabularySize: 400, endOfText: 399 });
    const text = `<|endoftext|>${shakespeare}`;
    const ids = loaded.encode(text);
    expect([...ids]).toEqual(oracle.encode(text));
    expect(loaded.decode(ids)).toBe(text);
    expect(ids).toHaveLength(bpe.encode(text).length);
  });

  it('gives the byte tokenizer its own ids again', () => {
    const loaded = tokenizerFromJson(byteText);
    expect(loaded).toMatchObject({ vocabularySize: 257, endOfText: 256 });
    expect(loaded.encode('aé<|endoftext|>')).toEqual(Int32Array.of(97, 0xc3, 0xa9, 256));
  });

  it('asks for the end of text where the file has another', () => {
    const source = byteText.replaceAll('<|endoftext|>', '</s>');
    expect(tokenizerFromJson(source, { endOfText: '</s>' }).endOfText).toBe(256);
    expect(() => tokenizerFromJson(source)).toThrow(
      expect.objectContaining({
        code: 'vocabulary',
        message: expect.stringContaining('set endOfText to one of "</s>"'),
      }),
    );
  });

  it('names the part that is not supported', () => {
    const file = { ...foreignFile(), normalizer: { type: 'NFC' } };
    expect(() => tokenizerFromJson(JSON.stringify(file))).toThrow(/normalizer must be null, got NFC/);
    const wordPiece = { ...foreignFile(), model: { type: 'WordPiece', vocab: {} } };
    expect(() => tokenizerFromJson(JSON.stringify(wordPiece))).toThrow(/type/);
  });

  it('wants the file checked', () => {
    expect(() => tokenizerFromJson(JSON.parse(bpeText))).toThrow(/must come as text, bytes or the result of/);
    expect(() => tokenizerFromJson({} as never)).toThrow(TokenizerError);
  });

  it('answers damaged files with a tokenizer or a typed error of one line', () => {
    const keys = ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder', 'added_tokens', 'model'];
    const inModel = ['type', 'vocab', 'merges', 'dropout', 'ignore_merges', 'unk_token'];
    const change = fc.oneof(
      fc
        .tuple(fc.constantFrom(...keys), fc.jsonValue())
        .map(([key, value]) => JSON.stringify({ ...foreignFile(), [key]: value })),
      fc.tuple(fc.constantFrom(...inModel), fc.jsonValue()).map(([key, value]) => {
        const file = foreignFile();
        return JSON.stringify({ ...file, model: { ...(file.model as object), [key]: value } });
      }),
      fc
        .tuple(fc.nat(byteText.length), fc.string({ maxLength: 3 }))
        .map(([at, put]) => byteText.slice(0, at) + put + byteText.slice(at + 1)),
      fc.nat(byteText.length).map((length) => byteText.slice(0, length)),
      fc.json(),
    );
    fc.assert(
      fc.property(change, (text) => {
        try {
          expect(tokenizerFromJson(text).decode([97])).toHaveLength(1);
        } catch (error) {
          expect(error instanceof TokenizerError || error instanceof FormatError, String(error)).toBe(true);
          expect((error as Error).message).toMatch(/^\[[^\n\r]+$/);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('isByteTokenizerJson', () => {
  it('tells the byte tokenizer from the others', () => {
    expect(isByteTokenizerJson(byteText)).toBe(true);
    expect(
      isByteTokenizerJson(createByteTokenizer({ specialTokens: ['<a>', '<b>'], endOfText: '<b>' }).toJson()),
    ).toBe(true);
    expect(isByteTokenizerJson(bpeText)).toBe(false);
    expect(isByteTokenizerJson(JSON.stringify({ ...foreignFile(), normalizer: { type: 'NFC' } }))).toBe(
      false,
    );
    expect(() => isByteTokenizerJson('{')).toThrow(FormatError);
  });
});

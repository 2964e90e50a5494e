import { byteLevelTokenizer, type TokenizerJson } from '@qsparse/formats';
import { describe, expect, it } from 'vitest';
import { BYTE_SYMBOLS } from '../../src/tokenizer/alphabet.ts';
import { readDefinition } from '../../src/tokenizer/definition.ts';

const json = byteLevelTokenizer({
  vocab: new Map([
    ...BYTE_SYMBOLS.map((symbol, byte) => [symbol, byte] as const),
    ['Ġa', 256],
    ['__proto__', 257],
  ]),
  merges: [['Ġ', 'a']],
  specialTokens: new Map([
    ['__proto__', 257],
    ['Ã', 0xc3],
    ['far', 70000],
  ]),
});
const byteLevel = json.decoder;

describe('readDefinition', () => {
  it('turns spellings into bytes and ids', () => {
    const { tokens, specialTokens, merges } = readDefinition(json);
    expect(tokens.get(256)).toEqual(Uint8Array.of(0x20, 0x61));
    expect(tokens.get(10)).toEqual(Uint8Array.of(10));
    expect(merges).toEqual([{ left: 0x20, right: 0x61, result: 256 }]);
    expect(new Set(specialTokens)).toEqual(
      new Set([
        ['__proto__', 257],
        ['Ã', 0xc3],
        ['far', 70000],
      ]),
    );
    expect([tokens.has(257), tokens.has(0xc3), tokens.has(70000)]).toEqual([false, false, false]);
  });

  it.each<[string, Partial<TokenizerJson>]>([
    ['normalizer must be null, got NFC', { normalizer: { type: 'NFC' } }],
    [
      'pre_tokenizer must be ByteLevel alone, got Sequence',
      { pre_tokenizer: { type: 'Sequence', pretokenizers: [byteLevel] } },
    ],
    [
      'pre_tokenizer.use_regex must be true, got false',
      { pre_tokenizer: { ...byteLevel, use_regex: false } },
    ],
    [
      'post_processor must be ByteLevel or null, got Sequence',
      { post_processor: { type: 'Sequence', processors: [] } },
    ],
    ['model.dropout must be null, got 0.1', { model: { ...json.model, dropout: 0.1 } }],
    [
      'single_word of added token "__proto__" must be false, got true',
      { added_tokens: json.added_tokens.map((token) => ({ ...token, single_word: token.id === 257 })) },
    ],
    [
      'lstrip of added token "far" must be false',
      { added_tokens: json.added_tokens.map((token) => ({ ...token, lstrip: token.id === 70000 })) },
    ],
    [
      'rstrip of added token "far" must be false',
      { added_tokens: json.added_tokens.map((token) => ({ ...token, rstrip: token.id === 70000 })) },
    ],
  ])('refuses: %s', (message, change) => {
    expect(() => readDefinition({ ...json, ...change })).toThrow(
      expect.objectContaining({
        name: 'TokenizerError',
        code: 'tokenizer-json',
        message: expect.stringContaining(message),
      }),
    );
  });

  it('takes what changes no id', () => {
    const processed = {
      ...json,
      post_processor: byteLevel,
      model: { ...json.model, dropout: 0, unk_token: 'far' },
    };
    expect(readDefinition(processed).merges).toHaveLength(1);
    const prefixed = { ...json, pre_tokenizer: { ...byteLevel, add_prefix_space: true } };
    expect(readDefinition(prefixed).addPrefixSpace).toBe(true);
    expect(readDefinition({ ...json, model: { ...json.model, ignore_merges: true } }).ignoreMerges).toBe(
      true,
    );
  });
});

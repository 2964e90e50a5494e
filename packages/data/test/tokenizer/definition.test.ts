import { byteLevelTokenizer, type TokenizerJson } from '@qsparse/formats';
import { describe, expect, it } from 'vitest';
import { BYTE_SYMBOLS } from '../../src/tokenizer/alphabet.ts';
import { readDefinition } from '../../src/tokenizer/definition.ts';
import { BYTE_LEVEL } from '../oracle.ts';

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

describe('readDefinition', () => {
  it('turns spellings into bytes and ids', () => {
    const { tokens, specialTokens } = readDefinition(json);
    const byId = new Map(tokens.map((token) => [token.id, token]));
    expect(tokens).toHaveLength(byId.size);
    expect(byId.get(256)).toEqual({ id: 256, bytes: Uint8Array.of(0x20, 0x61), special: false });
    expect(byId.get(10)?.bytes).toEqual(Uint8Array.of(10));
    for (const [content, id] of specialTokens)
      expect(byId.get(id)).toEqual({ id, bytes: new TextEncoder().encode(content), special: true });
    expect(new Set(specialTokens)).toEqual(
      new Set([
        ['__proto__', 257],
        ['Ã', 0xc3],
        ['far', 70000],
      ]),
    );
  });

  it.each<[string, Partial<TokenizerJson>]>([
    ['normalizer must be null, got NFC', { normalizer: { type: 'NFC' } }],
    [
      'pre_tokenizer must be ByteLevel alone, got Sequence',
      { pre_tokenizer: { type: 'Sequence', pretokenizers: [BYTE_LEVEL] } },
    ],
    [
      'pre_tokenizer.use_regex must be true, got false',
      { pre_tokenizer: { ...BYTE_LEVEL, use_regex: false } },
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
      post_processor: BYTE_LEVEL,
      model: { ...json.model, dropout: 0, unk_token: 'far' },
    };
    expect(readDefinition(processed).json).toBe(processed);
    const prefixed = { ...json, pre_tokenizer: { ...BYTE_LEVEL, add_prefix_space: true } };
    expect(readDefinition(prefixed).addPrefixSpace).toBe(true);
  });
});

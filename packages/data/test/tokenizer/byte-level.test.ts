import { byteLevelTokenizer, parseTokenizerJson } from '@qsparse/formats';
import { describe, expect, it } from 'vitest';
import { BYTE_SYMBOLS } from '../../src/tokenizer/alphabet.ts';
import { byteLevelTokens, byteLevelWords, mergesOf, ordinaryTokens } from '../../src/tokenizer/byte-level.ts';
import { added, tinyModel } from '../tiny-models.ts';

const bytes = BYTE_SYMBOLS.map((symbol, byte) => [symbol, byte] as const);
const json = byteLevelTokenizer({
  vocab: new Map([...bytes, ['Ġa', 256], ['<end>', 257]]),
  merges: [['Ġ', 'a']],
  specialTokens: new Map([
    ['<end>', 257],
    ['👍', 300],
  ]),
});

describe('byteLevelTokens', () => {
  it('spells tokens in bytes, added ones in their own letters', () => {
    const byId = new Map(byteLevelTokens(json).map((token) => [token.id, token]));
    expect(byId.size).toBe(259);
    expect(byId.get(256)).toEqual({ id: 256, bytes: Uint8Array.of(0x20, 0x61), special: false });
    expect(byId.get(257)).toEqual({ id: 257, bytes: new TextEncoder().encode('<end>'), special: true });
    expect(byId.get(300)!.bytes).toHaveLength(4);
  });
});

describe('ordinaryTokens', () => {
  it('leaves special tokens out of what text may become', () => {
    expect(ordinaryTokens(json.model, json.added_tokens).has('<end>')).toBe(false);
    const ordinary = json.added_tokens.map((token) => ({ ...token, special: false }));
    expect(ordinaryTokens(json.model, ordinary)).toBe(json.model.vocab);
  });
});

describe('byteLevelWords', () => {
  it('merges by id', () => {
    expect(mergesOf(json.model)).toEqual([{ left: 0x20, right: 0x61, result: 256 }]);
    expect([...byteLevelWords(json)(' aé')]).toEqual([256, 0xc3, 0xa9]);
  });

  it('takes a word that is a token as a whole where the model says so, but no special token', () => {
    const file = tinyModel('llama3')['tokenizer.json'];
    Object.assign(file.model.vocab, { '<|x|>': 5000, ĠCitizenship: 5001 });
    file.added_tokens.push(added(5000, '<|x|>'));
    const encode = byteLevelWords(parseTokenizerJson(JSON.stringify(file)));
    expect([...encode(' Citizenship')]).toEqual([5001]);
    expect([...encode('<|x|>')]).not.toContain(5000);
  });
});

import type { TokenizerJson } from '@qsparse/formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bpeTokenizer } from '../../src/tokenizer/bpe.ts';
import { readDefinition } from '../../src/tokenizer/definition.ts';
import type { EncodeOptions, Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { trainBpe } from '../../src/tokenizer/train.ts';
import { BYTE_LEVEL, createOracle, hostileText, wellFormed } from '../oracle.ts';
import { shakespeare } from '../shakespeare.ts';

// Emoji and other scripts too, so that merges go across bytes of one character.
const mixed =
  '👍🏽 漢字漢字 🇩🇪👩‍👩‍👧 한국어 e\u0301e\u0301 \r\n\r\n\t\t  \u00a0\u00a0 12341234 עברית __proto__ =>=>\u001b[31m\u001b[31m ';
const tokenizer = await trainBpe([shakespeare, mixed.repeat(20)], {
  vocabSize: 900,
  specialTokens: ['<|endoftext|>', '<|user|>', '<|'],
});

function agree(
  ours: Tokenizer,
  json: TokenizerJson,
  { specialTokens }: Required<Pick<EncodeOptions, 'specialTokens'>>,
  numRuns: number,
): void {
  const oracle = createOracle(json, specialTokens);
  fc.assert(
    fc.property(hostileText, (text) => {
      const ids = ours.encode(text, { specialTokens });
      expect([...ids]).toEqual(oracle.encode(text));
      expect(ours.decode(ids)).toBe(oracle.decode(ids));
    }),
    { numRuns },
  );
}

describe('bpeTokenizer', () => {
  it.each(['parse', 'text'] as const)(
    'agrees with the other implementation, special tokens as %s',
    (specialTokens) => {
      agree(tokenizer, tokenizer.toJson(), { specialTokens }, 800);
      const oracle = createOracle(tokenizer.toJson(), specialTokens);
      const text = `${shakespeare}<|endoftext|>${mixed}`;
      expect([...tokenizer.encode(text, { specialTokens })]).toEqual(oracle.encode(text));
    },
  );

  it('agrees on every single code unit', () => {
    const oracle = createOracle(tokenizer.toJson());
    for (let start = 0; start < 0x10000; start += 0x100) {
      const text = Array.from(
        { length: 0x100 },
        (_, index) => `a${String.fromCharCode(start + index)} b`,
      ).join('');
      expect([...tokenizer.encode(text)]).toEqual(oracle.encode(text));
    }
  });

  it('gives the text back', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(wellFormed(text));
      }),
    );
  });

  it('agrees with a space put before, with whole words first, and with the ranks in another order', () => {
    const json = tokenizer.toJson();
    const variants: TokenizerJson[] = [
      { ...json, pre_tokenizer: { ...BYTE_LEVEL, add_prefix_space: true } },
      { ...json, model: { ...json.model, ignore_merges: true, merges: json.model.merges.slice(0, 50) } },
      { ...json, model: { ...json.model, merges: json.model.merges.toReversed() } },
    ];
    for (const variant of variants) {
      const ours = bpeTokenizer(readDefinition(variant), '<|endoftext|>');
      expect(ours.toJson()).toBe(variant);
      agree(ours, variant, { specialTokens: 'parse' }, 200);
    }
  });

  it('takes added tokens that are not special for tokens in any case', () => {
    const json = tokenizer.toJson();
    const added = json.added_tokens.map((token) => ({ ...token, special: token.content !== '<|user|>' }));
    const ours = bpeTokenizer(readDefinition({ ...json, added_tokens: added }), '<|endoftext|>');
    const ids = ours.encode('<|user|><|endoftext|>', { specialTokens: 'text' });
    expect(ids[0]).toBe(ours.specialTokens.get('<|user|>'));
    expect(ids).not.toContain(ours.endOfText);
    expect(ours.decode(ids, { specialTokens: 'skip' })).toBe('<|user|><|endoftext|>');
  });

  it('gives the same when the cache has been filled and emptied', () => {
    const text = 'the quick brown fox';
    const before = tokenizer.encode(text);
    for (let start = 0; start < 70_000; start += 10_000) {
      tokenizer.encode(
        Array.from({ length: 10_000 }, (_, index) => `w${(start + index).toString(36)}`).join(' '),
      );
    }
    expect(tokenizer.encode(text)).toEqual(before);
  });

  it('does not fold lone surrogates into what they are replaced by', () => {
    expect(tokenizer.encode('\ud800')).toEqual(tokenizer.encode('\ufffd'));
    expect(tokenizer.encode('\ufffd')).toEqual(tokenizer.encode('\udfff'));
  });
});

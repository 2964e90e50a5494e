import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSpecialTokens, createSpecialSplitter } from '../../src/tokenizer/special-tokens.ts';
import { anyText } from '../any-text.ts';

describe('checkSpecialTokens', () => {
  it('takes any strings with the end of text among them', () => {
    checkSpecialTokens('f', ['<|endoftext|>'], '<|endoftext|>');
    checkSpecialTokens('f', ['<s>', '</s>', '👍', '  ', '__proto__'], '</s>');
  });

  it.each([
    [['', 'e'], /a special token is empty/],
    [['e', 'a', 'a'], /special token "e" is spelled like a byte/],
    [['end', 'pad', 'pad'], /special token "pad" comes twice/],
    [['end', 'x\ud800'], /holds half a character/],
    [['end', 'Ġ'], /is spelled like a byte/],
    [['pad'], /must hold "end", got "pad"; add it, or set endOfText/],
    [[], /must hold "end", got none/],
  ])('refuses %j', (contents, message) => {
    expect(() => checkSpecialTokens('f', contents, 'end')).toThrow(
      expect.objectContaining({ code: 'vocabulary', message: expect.stringMatching(message) }),
    );
  });
});

describe('createSpecialSplitter', () => {
  it('takes the leftmost, and there the longest', () => {
    const { split } = createSpecialSplitter(['ab', 'abc', 'bcd', '<|x|>']);
    expect(split('xabcdab')).toEqual(['x', 'abc', 'd', 'ab', '']);
    expect(split('<|x|><|x|>')).toEqual(['', '<|x|>', '', '<|x|>', '']);
    expect(split('')).toEqual(['']);
  });

  it('reads no content as a pattern', () => {
    const contents = ['.*', '(a|b)', '[x]', '^$', '\\d', 'a{2}', '$&', 'c-d', '/'];
    const { split } = createSpecialSplitter(contents);
    for (const content of contents) expect(split(`1${content}2`)).toEqual(['1', content, '2']);
    expect(split('xaab5cd')).toEqual(['xaab5cd']);
  });

  it('loses no character', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 6 }),
        anyText(12),
        (contents, text) => {
          const parts = createSpecialSplitter(contents).split(text);
          expect(parts.join('')).toBe(text);
          expect(parts.length % 2).toBe(1);
          for (const [index, part] of parts.entries()) if (index % 2 === 1) expect(contents).toContain(part);
        },
      ),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { createAddedTokenSplitter } from '../../src/pretrained/added-tokens.ts';
import { added } from '../tiny-models.ts';

const splitter = (...tokens: Parameters<typeof added>[]) =>
  createAddedTokenSplitter(
    tokens.map((token) => added(...token)),
    undefined,
  );

describe('createAddedTokenSplitter', () => {
  it('takes the leftmost, and there the longest; special ones only when they are to be parsed', () => {
    const split = splitter([1, '<a>'], [2, '<a>b', { special: false }]);
    expect(split('x<a>by<a>', true)).toEqual(['x', 2, 'y', 1]);
    expect(split('x<a>by<a>', false)).toEqual(['x', 2, 'y<a>']);
    expect(split('<a><a>', true)).toEqual([1, 1]);
    expect(split('', true)).toEqual([]);
  });

  it('takes white space beside a token with it', () => {
    const split = splitter([1, '<l>', { lstrip: true }], [2, '<r>', { rstrip: true }]);
    expect(split('a \u3000\n<l> b', true)).toEqual(['a', 1, ' b']);
    expect(split('a <r> \t b', true)).toEqual(['a ', 2, 'b']);
    expect(split('<r>  <l>', true)).toEqual([2, 1]);
    expect(split(`${' '.repeat(50_000)}x<l>`, true)).toHaveLength(2);
  });

  it('takes whole words alone where a token wants it', () => {
    const split = splitter([1, 'he', { single_word: true }], [2, '<a>']);
    expect(split('he the he, é he', true)).toEqual([1, ' the ', 1, ', é ', 1]);
    expect(split('heé_he ٣he', true)).toEqual(['heé_he ٣he']);
    // Another token is what stands beside it.
    expect(split('<a>he<a>', true)).toEqual([2, 1, 2]);
  });

  it('finds normalized tokens in normalized text, after the others', () => {
    const tokens = [added(1, '<a>', { normalized: true }), added(2, '<b>')];
    const split = createAddedTokenSplitter(tokens, (text) =>
      text === '' ? '' : `▁${text.replaceAll(' ', '▁')}`,
    );
    expect(split('x <a> y<b><a>', true)).toEqual(['▁x', 1, '▁y', 2, 1]);
    expect(split('x<a>', true)).toEqual(['▁x<a>']);
  });

  it('ignores a token that normalization leaves nothing of', () => {
    const split = createAddedTokenSplitter([added(1, ' ', { normalized: true })], (text) => text.trim());
    expect(split('a b', true)).toEqual(['a b']);
  });

  it('replaces halves of characters', () => {
    expect(splitter([1, '<a>'])('\ud800<a>x\udc00', true)).toEqual(['\ufffd', 1, 'x\ufffd']);
  });
});

import type { PreTokenizer, Split } from '@qsparse/formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDivider, patternsOf } from '../../src/pretrained/steps.ts';
import { anyText } from '../any-text.ts';
import { BYTE_LEVEL } from '../oracle.ts';

function pieces(preTokenizer: PreTokenizer | null, text: string, first = true): string[] {
  const found: string[] = [];
  createDivider(preTokenizer, (source) => new RegExp(source, 'gu'))(text, first, (piece) =>
    found.push(piece),
  );
  return found;
}

const split = (behavior: Split['behavior'], invert = false): Split => ({
  type: 'Split',
  pattern: { Regex: '[0-9]' },
  behavior,
  invert,
});

describe('createDivider', () => {
  // As the native library divides the same text.
  it.each<[Split['behavior'], boolean, string[]]>([
    ['Isolated', false, ['1', '2', 'ab', '3', 'c']],
    ['Removed', false, ['ab', 'c']],
    ['Removed', true, ['1', '2', '3']],
    ['Contiguous', false, ['12', 'ab', '3', 'c']],
    ['MergedWithPrevious', false, ['1', '2', 'ab3', 'c']],
    ['MergedWithPrevious', true, ['1', '2ab', '3c']],
    ['MergedWithNext', false, ['1', '2ab', '3c']],
    ['MergedWithNext', true, ['1', '2', 'ab3', 'c']],
  ])('splits: %s, inverted %s', (behavior, invert, expected) => {
    expect(pieces(split(behavior, invert), '12ab3c')).toEqual(expected);
  });

  it('loses nothing but what it removes', () => {
    const behaviors = fc.constantFrom(
      ...(['Isolated', 'Contiguous', 'MergedWithNext', 'MergedWithPrevious'] as const),
    );
    const pattern = fc.constantFrom(
      { Regex: '\\p{L}+|\\s?' },
      { Regex: 'x*' },
      { String: 'a' },
      { String: '' },
    );
    fc.assert(
      fc.property(behaviors, pattern, fc.boolean(), anyText(20), (behavior, which, invert, text) => {
        const step: Split = { type: 'Split', pattern: which, behavior, invert };
        const found = pieces(step, text);
        expect(found.join('')).toBe(text);
        expect(found).not.toContain('');
      }),
    );
  });

  it('reads plain text as no pattern', () => {
    const step: Split = { type: 'Split', pattern: { String: '.*-$' }, behavior: 'Isolated', invert: false };
    expect(pieces(step, 'a.*-$b')).toEqual(['a', '.*-$', 'b']);
  });

  it('isolates digits of any script, one by one or in runs', () => {
    expect(pieces({ type: 'Digits', individual_digits: true }, 'a12Ⅷ٣')).toEqual(['a', '1', '2', 'Ⅷ', '٣']);
    expect(pieces({ type: 'Digits', individual_digits: false }, 'a12b3')).toEqual(['a', '12', 'b', '3']);
  });

  it('marks words, at the start of the input or always', () => {
    const marks = (prepend_scheme: 'always' | 'first' | 'never', split = false) =>
      ({ type: 'Metaspace', replacement: '▁', prepend_scheme, split }) as const;
    expect(pieces(marks('first'), 'a b')).toEqual(['▁a▁b']);
    expect(pieces(marks('first'), 'a b', false)).toEqual(['a▁b']);
    expect(pieces(marks('always'), 'a b', false)).toEqual(['▁a▁b']);
    expect(pieces(marks('always'), ' a')).toEqual(['▁a']);
    expect(pieces(marks('never', true), 'a  b')).toEqual(['a', '▁', '▁b']);
    const sequence = { type: 'Sequence', pretokenizers: [split('Isolated'), marks('first')] } as const;
    expect(pieces(sequence, 'a1b')).toEqual(['▁a', '1', 'b']);
  });

  it('puts a space before each piece, and divides as GPT-2, where ByteLevel says so', () => {
    const steps = [split('Isolated'), { ...BYTE_LEVEL, add_prefix_space: true }];
    expect(pieces({ type: 'Sequence', pretokenizers: steps }, "it's1x")).toEqual([' it', "'s", ' 1', ' x']);
    expect(pieces({ ...BYTE_LEVEL, use_regex: false }, 'a b')).toEqual(['a b']);
    expect(pieces({ ...BYTE_LEVEL, add_prefix_space: true }, '')).toEqual([]);
    expect(pieces(null, 'a b')).toEqual(['a b']);
  });
});

it('lists the regular expressions it will need', () => {
  const literal: Split = { ...split('Isolated'), pattern: { String: 'a' } };
  const sequence = { type: 'Sequence', pretokenizers: [split('Isolated'), literal, BYTE_LEVEL] } as const;
  expect(patternsOf(sequence)).toEqual(['[0-9]']);
  expect(patternsOf(null)).toEqual([]);
});

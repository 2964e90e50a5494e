import { expect, it } from 'vitest';
import { costlyPart } from '../../src/pretrained/pattern-cost.ts';

it.each([
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{M}]*[\p{Ll}\p{Lm}\p{M}]+(?i:'s|'t|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s+`,
  String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s+(?!\S)`,
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[一-龥]+',
  ' ?[^(\\s|[.,!?…。])]+',
  '(?:a|b+|c*)',
  '(abc)+x{3}y{2,}',
  '[]()*+]+',
  '(a|b)?c',
  'a\\(b\\)+',
  '\\p{L}+|\\p{N}{1,3}+|\\s{2}+',
])('takes the patterns of models: %s', (pattern) => {
  expect(costlyPart(pattern)).toBeUndefined();
});

it.each([
  ['(a+)+$', 'repeats a group'],
  ['(a|a)*b', 'repeats a group'],
  ['(?:\\w*)*', 'repeats a group'],
  ['((a)|b)+', 'repeats a group'],
  ['(?:(?:a+))+', 'repeats a group'],
  ['(?:a+|b){2,}', 'repeats a group'],
  ['(a?){30}', 'repeats a group'],
  ['(?<x>a+)+', 'repeats a group'],
  ['(?=a+)+', 'repeats a group'],
  ['a{1,3}+b', 'repeats a repetition'],
  ['(a)\\1', 'refers back'],
  ['(?<x>a)\\k<x>', 'refers back'],
  ['\\s*\\s*\\s*\\s*x', 'repetitions without end in a row'],
  ['(?:a*b*|c)d*e*', 'repetitions without end in a row'],
  ['a?'.repeat(9), 'more than 8 quantifiers'],
])('refuses %s', (pattern, reason) => {
  expect(costlyPart(pattern)).toContain(reason);
});

it('reads any text in one pass', () => {
  expect(costlyPart('['.repeat(10_000))).toBeUndefined();
  expect(costlyPart('('.repeat(5000) + ')'.repeat(6000))).toBeUndefined();
  expect(costlyPart('\\')).toBeUndefined();
});

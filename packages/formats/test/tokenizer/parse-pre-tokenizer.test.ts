import { type FormatErrorCode, parseTokenizerJson } from '@qsparse/formats';
import { describe, expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';
import { smallMetaspaceFile } from '../helpers/small-metaspace.ts';
import { type LooseJson, smallTokenizerFile } from '../helpers/small-tokenizer.ts';

const parse = (file: LooseJson, preTokenizer: LooseJson) =>
  parseTokenizerJson(JSON.stringify({ ...file, pre_tokenizer: preTokenizer })).pre_tokenizer;
const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false };
const split = { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false };
const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };

describe("SentencePiece's form", () => {
  test.each<[string, LooseJson]>([
    ['none', null],
    ['word marks', metaspace],
    ['a split', split],
    ['a sequence', { type: 'Sequence', pretokenizers: [split, metaspace] }],
  ])('%s comes back as it was', (_, preTokenizer) => {
    expect(parse(smallMetaspaceFile(), preTokenizer)).toEqual(preTokenizer);
  });

  test.each<[string, LooseJson, LooseJson]>([
    ['nothing but the type', {}, { prepend_scheme: 'always', split: true }],
    ['a prefix', { add_prefix_space: true, str_rep: '▁' }, { prepend_scheme: 'always', split: true }],
    ['no prefix', { add_prefix_space: false }, { prepend_scheme: 'never', split: true }],
    ['both', { add_prefix_space: true, prepend_scheme: 'first' }, { prepend_scheme: 'first', split: true }],
  ])('word marks as early files write them: %s', (_, keys, read) => {
    expect(parse(smallMetaspaceFile(), { type: 'Metaspace', ...keys })).toEqual({
      type: 'Metaspace',
      replacement: '▁',
      ...read,
    });
  });

  test.each<[string, LooseJson, FormatErrorCode, string]>([
    ['bytes', bytes, 'value', 'pre_tokenizer.type'],
    ['a long word mark', { ...metaspace, replacement: '__' }, 'value', 'pre_tokenizer.replacement'],
    [
      'a scheme and its contrary',
      { ...metaspace, add_prefix_space: false },
      'value',
      'pre_tokenizer.prepend_scheme',
    ],
    ['an unknown scheme', { ...metaspace, prepend_scheme: 'last' }, 'value', 'pre_tokenizer.prepend_scheme'],
    [
      'an unknown step',
      { type: 'Sequence', pretokenizers: [{ type: 'Punctuation' }] },
      'value',
      'pre_tokenizer.pretokenizers.0.type',
    ],
  ])('%s is refused', async (_, preTokenizer, code, key) => {
    expect((await failure(() => parse(smallMetaspaceFile(), preTokenizer), code)).key).toBe(key);
  });
});

test('the byte-level form takes no word marks', async () => {
  const sequence = { type: 'Sequence', pretokenizers: [metaspace, bytes] };
  const error = await failure(() => parse(smallTokenizerFile(), sequence), 'value');
  expect(error.key).toBe('pre_tokenizer.pretokenizers.0.type');
});

import { type FormatErrorCode, parseTokenizerJson } from '@qsparse/formats';
import { expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';
import { smallMetaspaceFile } from '../helpers/small-metaspace.ts';
import type { LooseJson } from '../helpers/small-tokenizer.ts';

const parse = (normalizer: LooseJson) =>
  parseTokenizerJson(JSON.stringify({ ...smallMetaspaceFile(), normalizer })).normalizer;

const replace = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };

test.each<[string, LooseJson]>([
  ['none', null],
  ['a Unicode form', { type: 'NFKC' }],
  ['one step', replace],
  ['a sequence', { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, replace] }],
  ['an empty sequence', { type: 'Sequence', normalizers: [] }],
])('%s comes back as it was', (_, normalizer) => {
  expect(parse(normalizer)).toEqual(normalizer);
});

test.each<[string, LooseJson, FormatErrorCode, string]>([
  ['an unknown type', { type: 'Precompiled', precompiled_charsmap: '' }, 'value', 'normalizer.type'],
  [
    'a step of unknown type',
    { type: 'Sequence', normalizers: [{ type: 'Nmt' }] },
    'value',
    'normalizer.normalizers.0.type',
  ],
  [
    'a sequence in a sequence',
    { type: 'Sequence', normalizers: [{ type: 'Sequence' }] },
    'value',
    'normalizer.normalizers.0.type',
  ],
  [
    'a regular expression',
    { ...replace, pattern: { Regex: ' +' } },
    'unknown-key',
    'normalizer.pattern.Regex',
  ],
  ['an empty pattern', { ...replace, pattern: { String: '' } }, 'value', 'normalizer.pattern.String'],
  ['no content', { type: 'Replace', pattern: { String: ' ' } }, 'missing-key', 'normalizer.content'],
  ['an unknown key', { type: 'NFC', form: 'C' }, 'unknown-key', 'normalizer.form'],
])('%s is refused', async (_, normalizer, code, key) => {
  const error = await failure(() => parse(normalizer), code);
  expect(error.key).toBe(key);
  expect(error.message).toMatch(/^\[tokenizer\.json\] [^\n]+$/);
});

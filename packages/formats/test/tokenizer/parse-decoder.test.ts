import { type FormatErrorCode, parseTokenizerJson } from '@qsparse/formats';
import { expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';
import { smallMetaspaceFile } from '../helpers/small-metaspace.ts';
import { type LooseJson, smallTokenizerFile } from '../helpers/small-tokenizer.ts';

const parse = (decoder: LooseJson) =>
  parseTokenizerJson(JSON.stringify({ ...smallMetaspaceFile(), decoder })).decoder;

test.each<[string, LooseJson]>([
  ['the usual sequence', smallMetaspaceFile().decoder],
  ['word marks alone', { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true }],
  ['bytes alone', { type: 'ByteFallback' }],
])('%s comes back as it was', (_, decoder) => {
  expect(parse(decoder)).toEqual(decoder);
});

test('a sequence of ByteLevel alone is the byte-level form', () => {
  const file = smallTokenizerFile();
  const { decoder } = file;
  file.decoder = { type: 'Sequence', decoders: [decoder] };
  expect(parseTokenizerJson(JSON.stringify(file)).decoder).toEqual(decoder);
});

test.each<[string, LooseJson, FormatErrorCode, string]>([
  ['none', null, 'missing-key', 'decoder'],
  ['an unknown type', { type: 'CTC' }, 'value', 'decoder.type'],
  [
    'an unknown step',
    { type: 'Sequence', decoders: [{ type: 'WordPiece' }] },
    'value',
    'decoder.decoders.0.type',
  ],
  ['an endless strip', { type: 'Strip', content: ' ', start: 1e9, stop: 0 }, 'value', 'decoder.start'],
  ['an unknown key', { type: 'Fuse', all: true }, 'unknown-key', 'decoder.all'],
])('%s is refused', async (_, decoder, code, key) => {
  expect((await failure(() => parse(decoder), code)).key).toBe(key);
});

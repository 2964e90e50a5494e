import {
  embeddingRows,
  type FormatErrorCode,
  formatTokenizerJson,
  parseTokenizerJson,
} from '@qsparse/formats';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mutatedBytes } from '../helpers/mutated-bytes.ts';
import { failure, successOrFormatError } from '../helpers/outcome.ts';
import { type LooseJson, smallTokenizer, smallTokenizerFile } from '../helpers/small-tokenizer.ts';

const parse = (file: LooseJson) => parseTokenizerJson(JSON.stringify(file));

test('the small tokenizer comes back as it was', () => {
  expect(parse(smallTokenizerFile())).toEqual(smallTokenizer());
  expect(embeddingRows(smallTokenizer())).toBe(263);
});

test('the form of Llama 3 and Qwen: split by a pattern, then bytes', () => {
  const file = smallTokenizerFile();
  file.normalizer = { type: 'NFC' };
  const split = { type: 'Split', pattern: { Regex: '\\p{N}{1,3}' }, behavior: 'Isolated', invert: false };
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  const digits = { type: 'Digits', individual_digits: true };
  file.pre_tokenizer = { type: 'Sequence', pretokenizers: [split, digits, bytes] };
  expect(parse(file).pre_tokenizer).toEqual(file.pre_tokenizer);
  expect(parse(file).normalizer).toEqual({ type: 'NFC' });
  file.pre_tokenizer.pretokenizers[0].pattern = { String: ' ' };
  expect(parse(file).pre_tokenizer).toEqual(file.pre_tokenizer);
});

test('keys that old files leave out have defaults', () => {
  const file = smallTokenizerFile();
  for (const key of ['version', 'truncation', 'padding', 'normalizer', 'post_processor']) delete file[key];
  for (const key of ['lstrip', 'rstrip', 'normalized', 'single_word']) delete file.added_tokens[0][key];
  file.truncation = { max_length: 512, strategy: 'LongestFirst' };
  file.pre_tokenizer = { type: 'ByteLevel', add_prefix_space: false };
  const tokenizer = parse(file);
  expect(tokenizer.pre_tokenizer).toEqual(smallTokenizer().pre_tokenizer);
  expect(tokenizer.added_tokens).toEqual(smallTokenizer().added_tokens);
  expect(tokenizer.truncation).toEqual(file.truncation);
});

describe('refused, with the key', () => {
  test.each<[string, (file: LooseJson) => void, FormatErrorCode, string]>([
    ['an unknown key', (f) => Object.assign(f, { extra: 1 }), 'unknown-key', 'extra'],
    ['a newer version', (f) => Object.assign(f, { version: '2.0' }), 'value', 'version'],
    ['no pre-tokenizer', (f) => delete f.pre_tokenizer, 'missing-key', 'pre_tokenizer'],
    ['no decoder', (f) => Object.assign(f, { decoder: null }), 'missing-key', 'decoder'],
    ['no model', (f) => delete f.model, 'missing-key', 'model'],
    ['another pre-tokenizer', (f) => (f.pre_tokenizer.type = 'Metaspace'), 'value', 'pre_tokenizer.type'],
    ['another decoder', (f) => (f.decoder.type = 'WordPiece'), 'value', 'decoder.type'],
    ['a key of the pre-tokenizer', (f) => (f.pre_tokenizer.regex = 1), 'unknown-key', 'pre_tokenizer.regex'],
    ['text for a flag', (f) => (f.decoder.use_regex = 'true'), 'value', 'decoder.use_regex'],
    ['another normalizer', (f) => (f.normalizer = { type: 'Lowercase' }), 'value', 'normalizer.type'],
    ['truncation of text', (f) => (f.truncation = 'no'), 'value', 'truncation'],
    [
      'an added token without content',
      (f) => delete f.added_tokens[0].content,
      'missing-key',
      'added_tokens.0.content',
    ],
    ['an empty added token', (f) => (f.added_tokens[0].content = ''), 'value', 'added_tokens.0.content'],
    ['an added token that is text', (f) => (f.added_tokens[0] = '<s>'), 'value', 'added_tokens.0'],
    ['a negative id', (f) => (f.added_tokens[0].id = -1), 'value', 'added_tokens.0.id'],
    ['an id of billions', (f) => (f.added_tokens[0].id = 4e9), 'value', 'added_tokens.0.id'],
  ])('%s', async (_, bend, code, key) => {
    const file = smallTokenizerFile();
    bend(file);
    const error = await failure(() => parse(file), code);
    expect(error.key).toBe(key);
    expect(error.message).toMatch(/^\[tokenizer\.json\] /);
  });

  test.each<[string, LooseJson[], FormatErrorCode, string]>([
    ['no steps', [], 'value', 'pre_tokenizer.pretokenizers'],
    ['no ByteLevel at the end', [{ type: 'Digits' }], 'value', 'pre_tokenizer.pretokenizers.0.type'],
    [
      'ByteLevel twice',
      [{ type: 'ByteLevel' }, { type: 'ByteLevel' }],
      'value',
      'pre_tokenizer.pretokenizers.0.type',
    ],
    [
      'a split without a pattern',
      [{ type: 'Split', behavior: 'Isolated' }, { type: 'ByteLevel' }],
      'missing-key',
      'pre_tokenizer.pretokenizers.0.pattern',
    ],
    [
      'a split of unknown behavior',
      [{ type: 'Split', pattern: { Regex: 'a' }, behavior: 'isolated' }, { type: 'ByteLevel' }],
      'value',
      'pre_tokenizer.pretokenizers.0.behavior',
    ],
    [
      'a pattern that is no text',
      [{ type: 'Split', pattern: { Regex: 5 }, behavior: 'Isolated' }, { type: 'ByteLevel' }],
      'value',
      'pre_tokenizer.pretokenizers.0.pattern.Regex',
    ],
    [
      'two patterns',
      [{ type: 'Split', pattern: { Regex: 'a', String: 'b' }, behavior: 'Isolated' }, { type: 'ByteLevel' }],
      'unknown-key',
      'pre_tokenizer.pretokenizers.0.pattern.Regex',
    ],
  ])('a sequence with %s', async (_, pretokenizers, code, key) => {
    const file = smallTokenizerFile();
    file.pre_tokenizer = { type: 'Sequence', pretokenizers };
    expect((await failure(() => parse(file), code)).key).toBe(key);
  });

  test('what is no JSON, with line and column', async () => {
    const error = await failure(() => parseTokenizerJson('{"version":\n?', 'x/tokenizer.json'), 'json');
    expect(error.message).toContain('x/tokenizer.json, line 2, column 1');
    await failure(() => parseTokenizerJson('[]'), 'value');
    await failure(() => parseTokenizerJson(Uint8Array.of(0xff)), 'encoding');
  });
});

test('fuzz: a tokenizer or a clear error', async () => {
  const valid = new TextEncoder().encode(JSON.stringify(JSON.parse(formatTokenizerJson(smallTokenizer()))));
  await fc.assert(
    fc.asyncProperty(mutatedBytes(valid), async (bytes) => {
      const tokenizer = await successOrFormatError(() => parseTokenizerJson(bytes));
      if (tokenizer !== undefined)
        expect(parseTokenizerJson(formatTokenizerJson(tokenizer))).toEqual(tokenizer);
    }),
    { numRuns: 300 },
  );
});

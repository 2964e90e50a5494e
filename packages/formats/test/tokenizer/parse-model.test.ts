import { type FormatErrorCode, parseTokenizerJson } from '@qsparse/formats';
import { expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';
import { smallMetaspaceFile } from '../helpers/small-metaspace.ts';
import { type LooseJson, smallTokenizerFile } from '../helpers/small-tokenizer.ts';

const parse = (file: LooseJson) => parseTokenizerJson(JSON.stringify(file));

test('merges as text and as pairs are the same', () => {
  const file = smallTokenizerFile();
  const asText = parse(file).model.merges;
  file.model.merges = file.model.merges.map((merge: string) => merge.split(' '));
  expect(parse(file).model.merges).toEqual(asText);
  expect(asText[0]).toEqual(['h', 'e']);
});

test('the vocabulary is in the order of ids, whatever the order of the file', () => {
  const file = smallTokenizerFile();
  file.model.vocab = Object.fromEntries(Object.entries(file.model.vocab).reverse());
  expect([...parse(file).model.vocab.values()]).toEqual(Array.from({ length: 262 }, (_, id) => id));
});

test('early files without type and flags, and empty affixes', () => {
  const file = smallTokenizerFile();
  for (const key of ['type', 'dropout', 'unk_token', 'fuse_unk', 'byte_fallback', 'ignore_merges'])
    delete file.model[key];
  file.model.continuing_subword_prefix = '';
  file.model.end_of_word_suffix = '';
  expect(parse(file).model).toEqual(parse(smallTokenizerFile()).model);
});

test('words that objects have of their own are tokens like any other', () => {
  const file = smallTokenizerFile();
  const text = JSON.stringify(file).replace('"vocab":{', '"vocab":{"__proto__":300,"constructor":301,');
  const { vocab } = parseTokenizerJson(text).model;
  expect(vocab.get('__proto__')).toBe(300);
  expect(vocab.get('constructor')).toBe(301);
});

test('a special token may stand in the vocabulary too', () => {
  const file = smallTokenizerFile();
  file.model.vocab['<|endoftext|>'] = 262;
  file.added_tokens.push({ ...file.added_tokens[0], id: 263, content: '<｜user｜>' });
  file.model.vocab['<｜user｜>'] = 263;
  file.model.unk_token = '<|endoftext|>';
  expect(parse(file).added_tokens.length).toBe(2);
});

test.each<[string, (file: LooseJson) => void, FormatErrorCode, string]>([
  ['another model', (f) => (f.model.type = 'Unigram'), 'value', 'must be one of "BPE", got "Unigram"'],
  [
    'a suffix for words',
    (f) => (f.model.end_of_word_suffix = '</w>'),
    'value',
    '"model.end_of_word_suffix" must be',
  ],
  ['an unknown key', (f) => (f.model.dropouts = 0), 'unknown-key', 'did you mean "dropout"?'],
  ['dropout above 1', (f) => (f.model.dropout = 2), 'value', '"model.dropout" must be a number from 0 to 1'],
  ['a vocabulary that is a list', (f) => (f.model.vocab = []), 'value', '"model.vocab" must be an object'],
  [
    'an id of text',
    (f) => (f.model.vocab.he = '256'),
    'value',
    '"model.vocab.he" must be an id from 0 to 16777215',
  ],
  ['a negative id', (f) => (f.model.vocab.he = -1), 'value', '"model.vocab.he" must be an id'],
  ['half an id', (f) => (f.model.vocab.he = 0.5), 'value', '"model.vocab.he" must be an id'],
  ['an id of billions', (f) => (f.model.vocab.he = 4e9), 'value', '"model.vocab.he" must be an id'],
  ['no id', (f) => (f.model.vocab.he = null), 'value', '"model.vocab.he" must be an id'],
  ['an id twice', (f) => (f.model.vocab.he = 257), 'value', 'an id of its own'],
  ['a byte missing', (f) => delete f.model.vocab.Ċ, 'missing-key', '"Ċ" (byte 10) is missing'],
  [
    'a token outside of the alphabet',
    (f) => (f.model.vocab['a b'] = 300),
    'value',
    '"model.vocab.a b" must consist of',
  ],
  ['an empty token', (f) => (f.model.vocab[''] = 300), 'value', 'must consist of byte-level characters'],
  ['merges that are no list', (f) => (f.model.merges = 'h e'), 'value', '"model.merges" must be an array'],
  ['a merge of one part', (f) => (f.model.merges[1] = 'll'), 'value', '"model.merges.1" must be two tokens'],
  [
    'a merge of three parts',
    (f) => (f.model.merges[1] = 'l l l'),
    'value',
    '"model.merges.1" must be two tokens',
  ],
  ['a merge of numbers', (f) => (f.model.merges[1] = [1, 2]), 'value', '"model.merges.1" must be two tokens'],
  [
    'a merge of an unknown token',
    (f) => (f.model.merges[2] = 'xx ll'),
    'value',
    'needs the token "xx" in vocab',
  ],
  [
    'a merge to an unknown token',
    (f) => (f.model.merges[2] = 'h h'),
    'value',
    'needs the token "hh" in vocab',
  ],
  ['a merge twice', (f) => f.model.merges.push('h e'), 'value', '"model.merges.6" must stand once'],
  [
    'an unknown unk_token',
    (f) => (f.model.unk_token = '<unk>'),
    'value',
    '"model.unk_token" must be a token',
  ],
  [
    'an added token twice',
    (f) => f.added_tokens.push(f.added_tokens[0]),
    'duplicate-key',
    '"added_tokens.1" must stand once',
  ],
  ['an added token with the id of another', (f) => (f.added_tokens[0].id = 5), 'value', '5 is that of'],
  [
    'two added tokens of one id',
    (f) => f.added_tokens.push({ ...f.added_tokens[0], content: '<s>' }),
    'value',
    '262 is that of "<|endoftext|>"',
  ],
  [
    'an added token with another id than in the vocabulary',
    (f) => (f.model.vocab['<|endoftext|>'] = 300),
    'value',
    'must have the id 300',
  ],
])('%s is refused', async (_, bend, code, text) => {
  const file = smallTokenizerFile();
  bend(file);
  expect((await failure(() => parse(file), code)).message).toContain(text);
});

test("SentencePiece's form: tokens of any spelling, and a way in for every character", async () => {
  expect(parse(smallMetaspaceFile()).model.vocab.get('▁he')).toBe(264);
  const withoutUnknown = smallMetaspaceFile();
  withoutUnknown.model.unk_token = null;
  expect(parse(withoutUnknown).model.byte_fallback).toBe(true);
  delete withoutUnknown.model.vocab['<0x7F>'];
  expect((await failure(() => parse(withoutUnknown), 'missing-key')).message).toContain(
    '"<0x7F>" (byte 127)',
  );
  withoutUnknown.model.byte_fallback = false;
  expect((await failure(() => parse(withoutUnknown), 'missing-key')).message).toContain(
    'byte_fallback or unk_token',
  );
  const empty = smallMetaspaceFile();
  empty.model.vocab[''] = 300;
  expect((await failure(() => parse(empty), 'value')).message).toContain('must not be empty');
});

test("GPT-2's empty unk_token is none", () => {
  const file = smallTokenizerFile();
  file.model.unk_token = '';
  expect(parse(file).model.unk_token).toBeNull();
});

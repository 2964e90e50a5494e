import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { createByteTokenizer, PackingError, TextError, TokenizerError } from '@qsparse/data';
import { afterAll, expect, test } from 'vitest';
import { BUNDLED, readCorpus } from '../../src/train/corpus.ts';
import { temporaryFolder, writeText } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const SETTINGS = {
  'text-key': 'text',
  tokenizer: 'byte',
  vocabulary: 300,
  validation: 0.1,
  'validation-data': '',
  seed: 1,
} as const;
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder.path, name), content);
  return join(folder.path, name);
};

test('bytes: every byte and the end of the text is a token, in one part or the other', async () => {
  const { tokenizer, train, validation, bytesPerToken } = await readCorpus(
    [file('a.txt', 'x'.repeat(99))],
    SETTINGS,
  );
  expect(tokenizer.vocabularySize).toBe(257);
  expect([train.length, validation.length]).toEqual([90, 10]);
  expect(bytesPerToken).toBeCloseTo(0.99, 12);
});

test('a file to validate on: nothing is held back, and its own bytes count', async () => {
  const path = file('learn.txt', 'x'.repeat(99));
  const { train, validation, bytesPerToken } = await readCorpus([path], {
    ...SETTINGS,
    'validation-data': file('held.txt', 'y'.repeat(9)),
  });
  expect([train.length, validation.length, bytesPerToken]).toEqual([100, 10, 0.9]);
  const gone = readCorpus([path], { ...SETTINGS, 'validation-data': join(folder.path, 'gone.txt') });
  await expect(gone).rejects.toThrow(/gone.txt/);
});

test('BPE is trained on the text, and that of a run can be given', async () => {
  const path = writeText(folder.path);
  const made = await readCorpus([path], { ...SETTINGS, tokenizer: 'bpe', vocabulary: 290 });
  expect(made.tokenizer.vocabularySize).toBe(290);
  expect(made.bytesPerToken).toBeGreaterThan(1.5);
  const given = await readCorpus(
    [path],
    { ...SETTINGS, tokenizer: 'bpe' },
    { tokenizer: createByteTokenizer() },
  );
  expect(given.tokenizer.vocabularySize).toBe(257);
});

test('several files and formats are one text', async () => {
  const text = 'some words to learn from, again and again. ';
  const paths = [
    file('b.txt', text),
    file('c.txt.gz', gzipSync(text)),
    file('d.jsonl.br', brotliCompressSync(`${JSON.stringify({ body: text })}\n`)),
  ];
  const { train, validation } = await readCorpus(paths, { ...SETTINGS, 'text-key': 'body' });
  expect(train.length + validation.length).toBe(3 * (text.length + 1));
});

test('the bundled text is there', async () => {
  const { train, tokenizer } = await readCorpus([BUNDLED], SETTINGS);
  expect(train.length).toBeGreaterThan(1e6);
  expect(tokenizer.decode(train.subarray(0, 2000))).toMatch(/ the .* and /s);
});

test.each<[string, () => string, string]>([
  ['empty', () => file('empty.txt', ''), 'holds no text'],
  ['blank', () => file('blank.txt', ' \n\n'), 'holds no text'],
  ['binary', () => file('binary.txt', Uint8Array.of(0xff, 0xfe, 1, 2)), 'not UTF-8 text'],
  ['with NUL bytes', () => file('nul.txt', 'a\0b'), 'a NUL byte at byte 1'],
  ['missing', () => join(folder.path, 'missing.txt'), 'no such file'],
  ['a folder', () => folder.path, folder.path],
  ['of an unknown kind', () => file('paper.pdf', 'text'), 'the name must end in .txt or .jsonl'],
  [
    'cut',
    () => file('cut.txt.gz', gzipSync('long enough to be cut').subarray(0, 20)),
    'truncated or corrupt gzip',
  ],
  ['not JSONL', () => file('bad.jsonl', '{"text": 1}\n'), 'line 1: key "text" must hold a string'],
])('a file that is %s is named in one line', async (_, make, message) => {
  const path = make();
  const error = await readCorpus([path], SETTINGS).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TextError);
  expect((error as Error).message).toContain(message);
  expect((error as Error).message).toContain(path);
  expect((error as Error).message).not.toContain('\n');
});

test('a vocabulary that does not fit, and too little text to split', async () => {
  const path = writeText(folder.path);
  const huge = readCorpus([path], { ...SETTINGS, tokenizer: 'bpe', vocabulary: 2 ** 40 });
  await expect(huge).rejects.toThrow(TokenizerError);
  await expect(readCorpus([file('one.txt', 'a')], SETTINGS)).rejects.toThrow(PackingError);
});

test('an abort stops the reading', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(readCorpus([BUNDLED], SETTINGS, { signal })).rejects.toThrow('enough');
});

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { FormatError, formatTokenizerJson } from '@qsparse/formats';
import { afterAll, describe, expect, it } from 'vitest';
import { readDocumentFiles, readTokenizer } from '../../src/node/index.ts';
import type { ReadOptions } from '../../src/text/read.ts';
import { createByteTokenizer } from '../../src/tokenizer/byte.ts';

const folder = mkdtempSync(join(tmpdir(), 'qsparse-data-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function collect(paths: string | readonly string[], options?: ReadOptions): Promise<string[]> {
  const documents: string[] = [];
  for await (const document of readDocumentFiles(paths, options)) documents.push(document);
  return documents;
}

describe('readDocumentFiles', () => {
  it('reads every format, file after file', async () => {
    const two = 'one\n<|endoftext|>\ntwo\n';
    const line = '{"text": "three"}\n';
    const paths = [
      write('a.txt', two),
      write('a.txt.gz', gzipSync(two)),
      write('a.txt.br', brotliCompressSync(two)),
      write('a.jsonl', line),
      write('a.jsonl.gz', gzipSync(line)),
    ];
    const expected = ['one\n', 'two\n', 'one\n', 'two\n', 'one\n', 'two\n', 'three', 'three'];
    expect(await collect(paths)).toEqual(expected);
    expect(await collect(paths[0]!, { separator: null })).toEqual([two]);
    expect(await collect([])).toEqual([]);
  });

  it('reads characters that lie across the chunks of a file', async () => {
    const text = `x${'漢字👍'.repeat(100_000)}`;
    expect(await collect(write('big.txt', text))).toEqual([text]);
  });

  it('names what is wrong with a file', async () => {
    const missing = join(folder, 'missing.txt');
    await expect(collect(missing)).rejects.toMatchObject({
      code: 'file-not-found',
      file: missing,
      message: `[readDocuments] ${missing}: no such file; check the path`,
    });
    await expect(collect(join(write('a.txt', 'a'), 'b.txt'))).rejects.toMatchObject({
      code: 'file-not-found',
    });
    mkdirSync(join(folder, 'dir.txt'));
    await expect(collect(join(folder, 'dir.txt'))).rejects.toMatchObject({
      code: 'file-read',
      message: /a folder/,
    });
    await expect(collect(write('cut.txt.gz', gzipSync('text').subarray(0, 9)))).rejects.toMatchObject({
      code: 'compression',
    });
    await expect(collect(write('empty.txt', ''))).rejects.toMatchObject({ code: 'empty' });
    await expect(collect(write('a.bin', 'a'))).rejects.toMatchObject({ code: 'file-format' });
    await expect(collect('a\0b.txt')).rejects.toMatchObject({ code: 'file-read' });
  });

  // The superuser may read everything.
  it.skipIf(process.getuid?.() === 0)('names a file without read permission', async () => {
    const path = write('secret.txt', 'a');
    chmodSync(path, 0);
    await expect(collect(path)).rejects.toMatchObject({ code: 'file-access' });
  });
});

describe('readTokenizer', () => {
  it('reads the file of a model folder, and a file named directly', async () => {
    const path = write('tokenizer.json', formatTokenizerJson(createByteTokenizer().toJson()));
    for (const from of [folder, path]) expect((await readTokenizer(from)).vocabularySize).toBe(257);
    await expect(readTokenizer(folder, { endOfText: '</s>' })).rejects.toMatchObject({ code: 'vocabulary' });
  });

  it('names the file that is missing or malformed', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    const file = join(empty, 'tokenizer.json');
    await expect(readTokenizer(empty)).rejects.toMatchObject({
      code: 'file-not-found',
      message: `[loadTokenizer] ${file} is required; take it from where the model comes from`,
    });
    await expect(readTokenizer(join(empty, 'no'))).rejects.toThrow(/no: there is no such file or folder/);
    const bad = write('bad.json', '{"model": 5');
    await expect(readTokenizer(bad)).rejects.toThrow(FormatError);
    await expect(readTokenizer(bad)).rejects.toThrow(/bad\.json/);
  });
});

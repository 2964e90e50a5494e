import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { FormatError, formatTokenizerJson } from '@qsparse/formats';
import { afterAll, describe, expect, it } from 'vitest';
import { createChatTemplate } from '../../src/chat/chat-template.ts';
import { readDocumentFiles, readTokenizer } from '../../src/node/index.ts';
import type { ReadOptions } from '../../src/text/read.ts';
import { createByteTokenizer } from '../../src/tokenizer/byte.ts';
import { filesOf, tinyModel } from '../tiny-models.ts';

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

  it('reads what else a model folder says, chat templates too', async () => {
    const model = join(folder, 'model');
    mkdirSync(join(model, 'additional_chat_templates'), { recursive: true });
    const files = filesOf(tinyModel('llama3'));
    files['chat_template.jinja'] = 'A{{ bos_token }}';
    files['additional_chat_templates/rag.jinja'] = 'R';
    files['model.safetensors'] = 'not read';
    for (const [name, text] of Object.entries(files)) writeFileSync(join(model, name), text);
    const tokenizer = await readTokenizer(model);
    expect(tokenizer.stopTokens).toHaveLength(2);
    expect([...tokenizer.chatTemplates.keys()]).toEqual(['default', 'rag']);
    const chat = await createChatTemplate(tokenizer);
    expect(chat.render([{ role: 'user', content: 'a' }])).toBe('A<|begin_of_text|>');
    // Named directly, the file is all there is.
    const alone = readTokenizer(join(model, 'tokenizer.json'));
    await expect(alone).rejects.toMatchObject({ code: 'vocabulary' });
    writeFileSync(join(model, 'generation_config.json'), '<html>');
    await expect(readTokenizer(model)).rejects.toThrow(`${join(model, 'generation_config.json')}, line 1`);
  });

  it('says what to do with a tokenizer in another form', async () => {
    const other = join(folder, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'tokenizer.model'), Uint8Array.of(10, 14));
    await expect(readTokenizer(other)).rejects.toThrow(
      /the folder has tokenizer\.model alone; write it with/,
    );
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

import { brotliCompressSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextError } from '../../src/errors.ts';
import { nodeDecompressors } from '../../src/node/decompress.ts';
import { type ReadOptions, readDocuments, type TextSource } from '../../src/text/read.ts';
import { anyText } from '../any-text.ts';
import { shakespeare } from '../shakespeare.ts';

async function collect(source: TextSource, options?: ReadOptions): Promise<string[]> {
  const documents: string[] = [];
  for await (const document of readDocuments(source, options)) documents.push(document);
  return documents;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const two = 'one\n<|endoftext|>\ntwo\n';

describe('readDocuments', () => {
  it('reads text, gzip and JSONL by name', async () => {
    expect(await collect({ name: 'a.txt', content: bytesOf(shakespeare) })).toEqual([shakespeare]);
    expect(await collect({ name: 'a.txt.gz', content: gzipSync(two) })).toEqual(['one\n', 'two\n']);
    const lines = gzipSync('{"text": "one"}\n{"text": "two"}\n');
    expect(await collect({ name: 'a.jsonl.gz', content: new Blob([lines]) })).toEqual(['one', 'two']);
  });

  it('follows the options', async () => {
    const content = bytesOf(two);
    expect(await collect({ name: 'a.txt', content }, { separator: null })).toEqual([two]);
    expect(await collect({ name: 'a.txt', content }, { separator: 'two' })).toEqual(['one\n<|endoftext|>\n']);
    expect(await collect({ name: 'notes.md', content }, { format: 'text' })).toHaveLength(2);
    const line = bytesOf('{"body": "one"}');
    expect(await collect({ name: 'a.jsonl', content: line }, { textKey: 'body' })).toEqual(['one']);
    const brotli = { name: 'a.txt.br', content: brotliCompressSync(two) };
    expect(await collect(brotli, { decompress: nodeDecompressors })).toEqual(['one\n', 'two\n']);
    await expect(collect(brotli)).rejects.toMatchObject({ code: 'file-format', message: /offers no brotli/ });
  });

  it.each([
    ['a.txt', ''],
    ['a.txt', ' \r\n\t\n'],
    ['a.txt', '<|endoftext|>\n<|endoftext|>'],
    ['a.txt', '\ufeff'],
    ['a.jsonl', '\n\n'],
    ['a.jsonl', '{"text": ""}\n'],
  ])('calls %s with %j empty', async (name, text) => {
    await expect(collect({ name, content: bytesOf(text) })).rejects.toMatchObject({
      code: 'empty',
      message: `[readDocuments] ${name}: holds no text; give a file with text in it`,
    });
    await expect(collect({ name: `${name}.gz`, content: gzipSync(text) })).rejects.toMatchObject({
      code: 'empty',
    });
  });

  it('gives the documents before the broken place, then the error', async () => {
    const content = Buffer.concat([bytesOf(two), Buffer.alloc(1 << 20, 'x'), Uint8Array.of(0xff)]);
    const seen: string[] = [];
    const reading = async (): Promise<void> => {
      for await (const document of readDocuments({ name: 'a.txt', content })) seen.push(document);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'not-text', byte: content.length - 1 });
    expect(seen).toEqual(['one\n']);
  });

  it('does not let half a character at the end pass', async () => {
    const content = bytesOf('text é').subarray(0, 6);
    await expect(collect({ name: 'a.txt', content })).rejects.toMatchObject({ code: 'not-text', byte: 5 });
    const lines = bytesOf('{"text": "a"}\né').subarray(0, 15);
    await expect(collect({ name: 'a.jsonl', content: lines })).rejects.toMatchObject({
      code: 'not-text',
      byte: 14,
    });
  });

  it('throws the reason of an abort, before and between chunks', async () => {
    const reason = new Error('enough');
    const source = { name: 'a.txt', content: bytesOf(two) };
    await expect(collect(source, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let i = 0; ; i++) {
        if (i === 5) controller.abort(reason);
        yield bytesOf(two);
      }
    }
    const { signal } = controller;
    await expect(collect({ name: 'a.txt', content: endless() }, { signal })).rejects.toBe(reason);
  });

  it('answers any bytes with documents or a TextError of one line', async () => {
    const names = fc.constantFrom('a.txt', 'a.txt.gz', 'a.txt.br', 'a.jsonl', 'a.jsonl.gz', 'a.jsonl.br');
    const inner = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      anyText(12).map(bytesOf),
      fc.json().map((json) => bytesOf(`{"text": ${json}}\n${json}`)),
    );
    /** Rightly packed bytes with a few of them changed or cut off, so that the fuzz gets past the header. */
    const damage = fc.record({ at: fc.nat(), value: fc.nat(255), keep: fc.nat(), how: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(names, inner, damage, async (name, bytes, { at, value, keep, how }) => {
        const packed = name.endsWith('.gz')
          ? gzipSync(bytes)
          : name.endsWith('.br')
            ? brotliCompressSync(bytes)
            : bytes;
        let content = how === 0 ? bytes : Uint8Array.from(packed);
        if (how === 1 && content.length > 0) content[at % content.length] = value;
        if (how === 2) content = content.subarray(0, keep % (content.length + 1));
        try {
          const documents = await collect({ name, content }, { decompress: nodeDecompressors });
          expect(documents.every((document) => document.trim() !== '')).toBe(true);
          expect(documents.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(TextError);
          expect((error as TextError).message).toMatch(/^\[readDocuments\] a\.[^\n\r]+$/);
        }
      }),
      { numRuns: 250 },
    );
  });
});

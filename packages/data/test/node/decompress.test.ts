import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { TextError } from '../../src/errors.ts';
import { nodeDecompressors } from '../../src/node/decompress.ts';
import { readDocuments } from '../../src/text/read.ts';
import { shakespeare } from '../shakespeare.ts';

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function text(name: string, bytes: Uint8Array, size: number): Promise<string> {
  const parts: string[] = [];
  const source = { name, content: inChunks(bytes, size) };
  for await (const part of readDocuments(source, { separator: null, decompress: nodeDecompressors }))
    parts.push(part);
  return parts.join('');
}

describe('nodeDecompressors', () => {
  it.each([
    ['a.txt.gz', gzipSync(shakespeare)],
    ['a.txt.br', brotliCompressSync(shakespeare)],
  ])('read %s in any chunks, and report every truncation', async (name, packed) => {
    for (const size of [13, 999, 1 << 20]) expect(await text(name, packed, size)).toBe(shakespeare);
    for (const length of [1, 2, 9, 300, packed.length - 1]) {
      await expect(text(name, packed.subarray(0, length), 300)).rejects.toMatchObject({
        code: 'compression',
        file: name,
      });
    }
    await expect(text(name, Buffer.from('plain text, not packed'), 5)).rejects.toMatchObject({
      code: 'compression',
    });
  });

  it('reads gzip of several members', async () => {
    const half = shakespeare.length >> 1;
    const packed = Buffer.concat([gzipSync(shakespeare.slice(0, half)), gzipSync(shakespeare.slice(half))]);
    expect(await text('a.txt.gz', packed, 1000)).toBe(shakespeare);
  });

  it('pass the error of the source on, unchanged', async () => {
    const failure = new TextError('file-read', { file: 'a.txt.gz' }, 'gone');
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield gzipSync(shakespeare).subarray(0, 100);
      throw failure;
    }
    const reading = async (): Promise<void> => {
      const source = { name: 'a.txt.gz', content: broken() };
      for await (const _ of readDocuments(source, { decompress: nodeDecompressors }));
    };
    await expect(reading()).rejects.toBe(failure);
  });

  it('lets go of the source when left early or when the data is corrupt', async () => {
    for (const chunk of [gzipSync('one\n<|endoftext|>\ntwo'), Buffer.from('junk that is no gzip')]) {
      let released = false;
      async function* endless(): AsyncGenerator<Uint8Array> {
        try {
          for (;;) {
            yield chunk;
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        } finally {
          released = true;
        }
      }
      const source = { name: 'a.txt.gz', content: endless() };
      const reading = (async () => {
        for await (const _ of readDocuments(source, { decompress: nodeDecompressors })) break;
      })();
      await reading.catch((error) => expect(error).toMatchObject({ code: 'compression' }));
      await expect.poll(() => released).toBe(true);
    }
  });
});

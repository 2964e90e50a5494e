import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { TextError } from '../../src/errors.ts';
import { type Decompressors, decompressed } from '../../src/text/compression.ts';
import type { Compression } from '../../src/text/format.ts';
import { shakespeare } from '../shakespeare.ts';

const packed = gzipSync(shakespeare);

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function unpack(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression = 'gzip',
  decompressors: Decompressors = {},
): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of decompressed('a.txt', chunks, compression, decompressors)) parts.push(chunk);
  return Buffer.concat(parts).toString('utf8');
}

describe('decompressed', () => {
  it('reads gzip in chunks of any size, and plain bytes as they are', async () => {
    for (const size of [13, 1000, 1 << 20]) expect(await unpack(inChunks(packed, size))).toBe(shakespeare);
    expect(await unpack(inChunks(Buffer.from('plain'), 2), 'none')).toBe('plain');
  });

  it('reports every truncation and never gives the whole text for one', async () => {
    for (const length of [1, 5, 10, 11, 500, packed.length - 9, packed.length - 8, packed.length - 1]) {
      await expect(unpack(inChunks(packed.subarray(0, length), 300))).rejects.toMatchObject({
        name: 'TextError',
        code: 'compression',
        file: 'a.txt',
      });
    }
  });

  it('reports corrupt data, a wrong checksum and what is no gzip', async () => {
    for (const at of [0, 1, 2, 200, packed.length - 8]) {
      const corrupt = Uint8Array.from(packed);
      corrupt[at]! ^= 0xff;
      await expect(unpack(inChunks(corrupt, 300))).rejects.toMatchObject({ code: 'compression' });
    }
    await expect(unpack(inChunks(Buffer.from('plain text'), 4))).rejects.toMatchObject({
      code: 'compression',
    });
  });

  it('says that brotli needs Node, and uses what it is given', async () => {
    await expect(unpack(inChunks(packed, 99), 'brotli')).rejects.toMatchObject({
      code: 'file-format',
      message: /offers no brotli; .*@qsparse\/data\/node/,
    });
    async function* backwards(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) yield chunk.slice().reverse();
    }
    expect(await unpack(inChunks(Buffer.from('abc'), 9), 'brotli', { brotli: backwards })).toBe('cba');
  });

  it('passes the error of the source unchanged', async () => {
    const failure = new TextError('file-read', { file: 'a.txt' }, 'gone');
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield packed.subarray(0, 100);
      throw failure;
    }
    await expect(unpack(broken())).rejects.toBe(failure);
    async function* brokenAtTheEnd(): AsyncGenerator<Uint8Array> {
      yield packed;
      throw failure;
    }
    await expect(unpack(brokenAtTheEnd())).rejects.toBe(failure);
  });

  it('lets go of the source when left early', async () => {
    let released = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          yield packed;
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      } finally {
        released = true;
      }
    }
    for await (const _ of decompressed('a.txt', endless(), 'gzip', {})) break;
    await expect.poll(() => released).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import { type ByteSource, byteChunks } from '../../src/text/bytes.ts';

const bytes = Uint8Array.from({ length: 3_000_000 }, (_, index) => index % 251);

async function collect(content: ByteSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of byteChunks('a.txt', content)) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

async function* halves(): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 1_500_000);
  yield bytes.subarray(1_500_000);
}

describe('byteChunks', () => {
  it('gives the same bytes from every source', async () => {
    const blob = new Blob([bytes]);
    for (const content of [bytes, bytes.buffer, blob, blob.stream(), halves()]) {
      expect(Buffer.compare(await collect(content), bytes)).toBe(0);
    }
    const view = new Uint8Array(bytes.buffer, 5, 7);
    expect(await collect(view)).toEqual(bytes.slice(5, 12));
    expect(await collect(new Uint8Array(0))).toHaveLength(0);
  });

  it('cancels a stream that is left early', async () => {
    let cancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(8)),
      cancel: () => {
        cancelled = true;
      },
    });
    for await (const _ of byteChunks('a.txt', stream)) break;
    expect(cancelled).toBe(true);
    expect(stream.locked).toBe(false);
  });

  it('names the source when it fails, with the cause', async () => {
    const cause = new Error('cable\npulled');
    const stream = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(cause) });
    await expect(collect(stream)).rejects.toMatchObject({
      code: 'file-read',
      file: 'a.txt',
      cause,
      message: '[readDocuments] a.txt: reading failed (cable pulled)',
    });
  });

  it('refuses chunks that are not bytes', async () => {
    const strings = new ReadableStream({ start: (controller) => controller.enqueue('text') });
    await expect(collect(strings)).rejects.toMatchObject({ code: 'file-read', message: /got string/ });
  });
});

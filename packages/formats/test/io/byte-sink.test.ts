import { memorySink } from '@qsparse/formats';
import { expect, test } from 'vitest';
import { writeInPieces } from '../../src/io/byte-sink.ts';

test('the memory sink keeps copies, in order', async () => {
  const sink = memorySink();
  const piece = Uint8Array.of(1, 2);
  await sink.write(piece);
  piece.fill(9);
  await sink.write(Uint8Array.of(3));
  expect(sink.bytes()).toEqual(Uint8Array.of(1, 2, 3));
  expect(memorySink().bytes()).toEqual(new Uint8Array());
});

test('large data goes in pieces, and an abort is heard between them', async () => {
  const sizes: number[] = [];
  const controller = new AbortController();
  const large = new Uint8Array(40 * 2 ** 20);
  await writeInPieces({ write: async (bytes) => void sizes.push(bytes.byteLength) }, large);
  expect(sizes).toEqual([2 ** 24, 2 ** 24, 2 ** 23]);
  const stopping = { write: async () => controller.abort(new Error('stop')) };
  await expect(writeInPieces(stopping, large, controller.signal)).rejects.toThrow('stop');
});

test('shared memory is copied before a sink sees it', async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(7);
  const buffers: ArrayBufferLike[] = [];
  await writeInPieces({ write: async (bytes) => void buffers.push(bytes.buffer) }, shared);
  expect(buffers[0]).toBeInstanceOf(ArrayBuffer);
});

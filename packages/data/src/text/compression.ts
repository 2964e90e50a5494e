/**
 * Decompression as a step between chunks. Built in is gzip, by the platform's DecompressionStream; brotli comes from
 * the caller, since browsers offer none (`@qsparse/data/node` brings Node's).
 */
import { TextError } from '../errors.ts';
import type { Compression } from './format.ts';

export type Decompress = (compressed: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
export type Decompressors = Readonly<Partial<Record<Exclude<Compression, 'none'>, Decompress>>>;

/** Chunks after decompression. Corrupt and truncated data are `compression` errors; the source's own pass unchanged. */
export async function* decompressed(
  name: string,
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
  decompressors: Decompressors,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (compression === 'none') {
    yield* chunks;
    return;
  }
  const decompress = decompressors[compression] ?? (compression === 'gzip' ? gunzip : undefined);
  if (!decompress) {
    throw new TextError(
      'file-format',
      { file: name },
      `this platform offers no ${compression}`,
      'use gzip, or in Node read the file through @qsparse/data/node',
    );
  }
  // Platforms wrap or replace the error of a failed source on its way through: keep the first one.
  let sourceFailure: { readonly error: unknown } | undefined;
  async function* watched(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* chunks;
    } catch (error) {
      sourceFailure = { error };
      throw error;
    }
  }
  try {
    yield* decompress(watched());
  } catch (error) {
    if (sourceFailure) throw sourceFailure.error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new TextError(
      'compression',
      { file: name },
      `truncated or corrupt ${compression} data (${reason})`,
      'get the file again',
      error,
    );
  }
}

async function* gunzip(compressed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = new DecompressionStream('gzip');
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  const feeding = feed(compressed, writer);
  // The reading side reports the failure; this one only must not be left unheard.
  feeding.catch(() => undefined);
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      ended = done;
      if (done) break;
      yield value;
    }
    await feeding;
  } finally {
    if (!ended) await reader.cancel().catch(() => undefined);
  }
}

async function feed(
  chunks: AsyncIterable<Uint8Array>,
  writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>,
): Promise<void> {
  try {
    // The stream's type excludes shared memory, which it would refuse at run time: such a chunk is copied.
    for await (const chunk of chunks) await writer.write(unshared(chunk));
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => undefined);
    throw error;
  }
}

function unshared(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  return chunk.buffer instanceof ArrayBuffer ? (chunk as Uint8Array<ArrayBuffer>) : new Uint8Array(chunk);
}

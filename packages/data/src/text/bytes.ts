/** Every way in which bytes come in, as one stream of chunks. Failures of the source are `file-read` errors. */
import { DataError, TextError } from '../errors.ts';

export type ByteSource =
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** Large buffers are cut, so that decoding one never needs a second copy of the whole. */
const CHUNK_BYTES = 1 << 20;

/** Chunks in order. A stream left early is cancelled. */
export async function* byteChunks(
  name: string,
  content: ByteSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of rawChunks(content)) {
      if (!(chunk instanceof Uint8Array)) {
        throw new TextError(
          'file-read',
          { file: name },
          `the source must give Uint8Array chunks, got ${typeof chunk}`,
        );
      }
      yield chunk;
    }
  } catch (error) {
    if (error instanceof DataError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new TextError('file-read', { file: name }, `reading failed (${reason})`, '', error);
  }
}

function rawChunks(content: ByteSource): AsyncIterable<unknown> {
  if (content instanceof Uint8Array) return slices(content);
  if (content instanceof ArrayBuffer) return slices(new Uint8Array(content));
  if (content instanceof Blob) return streamChunks(content.stream());
  if (content instanceof ReadableStream) return streamChunks(content);
  return content;
}

async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES)
    yield bytes.subarray(start, start + CHUNK_BYTES);
}

/** By a reader: not every browser can iterate over a ReadableStream. */
async function* streamChunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
  const reader = stream.getReader();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      ended = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!ended) await reader.cancel().catch(() => undefined);
    reader.releaseLock();
  }
}

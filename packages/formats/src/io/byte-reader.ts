// Where bytes come from: anything with a size and random access. Readers of files ask for exactly the ranges they
// need, so that a header costs a header and a tensor costs a tensor, in memory and over the network.
import { showName } from '../display.ts';
import { FormatError } from '../errors.ts';

export interface ByteReader {
  /** File name or address, for messages. */
  readonly name?: string;
  /** Total number of bytes. */
  readonly size: number;
  /**
   * Bytes from `offset` up to `offset + length`, exactly `length` of them, in memory that the caller may keep and
   * change. Rejects when the range is not inside of the source.
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Releases what the reader holds; reading afterwards rejects. */
  close?(): Promise<void>;
}

/** A reader over bytes in memory; each read copies its range. */
export function bytesReader(source: Uint8Array | ArrayBuffer, name = 'bytes in memory'): ByteReader {
  const bytes = source instanceof Uint8Array ? source : new Uint8Array(source);
  const size = bytes.byteLength;
  return {
    name,
    size,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      requireRange(name, size, offset, length);
      return new Uint8Array(bytes.subarray(offset, offset + length));
    },
  };
}

/** A reader over a Blob or a File that a user chose; nothing is loaded before it is asked for. */
export function blobReader(blob: Blob, name: string = fileNameOf(blob)): ByteReader {
  const size = blob.size;
  return {
    name,
    size,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      requireRange(name, size, offset, length);
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      } catch (cause) {
        const message = `[blob] ${showName(name)}: ${length} bytes at ${offset} could not be read; choose the file again`;
        throw new FormatError('io', message, { file: name, cause });
      }
    },
  };
}

/**
 * `reader.read`, with its promise kept: exactly `length` bytes or an error.
 * @throws FormatError `truncated` when the reader returns another number of bytes.
 */
export async function readExactly(
  reader: ByteReader,
  offset: number,
  length: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  signal?.throwIfAborted();
  const bytes = await reader.read(offset, length, signal);
  if (bytes.byteLength === length) return bytes;
  const name = reader.name ?? 'the source';
  throw new FormatError(
    'truncated',
    `[read] ${showName(name)}: ${length} bytes at ${offset} are required, got ${bytes.byteLength}; ` +
      'the file changed or its reader is wrong: open it again',
    { file: name },
  );
}

/** @throws FormatError `range` unless offset and length describe bytes inside of the source. */
export function requireRange(name: string, size: number, offset: number, length: number): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (whole && offset + length <= size) return;
  throw new FormatError(
    'range',
    `[read] ${showName(name)}: a range inside of ${size} bytes is required, got ${length} bytes at ${offset}`,
    { file: name },
  );
}

/**
 * Memory for bytes that surely exist in the source.
 * @throws FormatError `memory` where the machine has no room for them.
 */
export function allocateBytes(name: string, length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    const message = `[read] ${showName(name)}: no room for ${length} bytes in one piece; free memory or use a smaller file`;
    throw new FormatError('memory', message, { file: name, cause });
  }
}

function fileNameOf(blob: Blob): string {
  return 'name' in blob && typeof blob.name === 'string' && blob.name !== '' ? blob.name : 'blob';
}

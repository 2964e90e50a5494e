// Random access to a file on disk, and whole small files with a limit.
import { type FileHandle, open, stat } from 'node:fs/promises';
import { showName } from '../display.ts';
import { FormatError } from '../errors.ts';
import { allocateBytes, type ByteReader, requireRange } from '../io/byte-reader.ts';
import { FileError, withFileErrors } from './file-error.ts';

// One system call reads at most 2 GiB.
const LARGEST_READ = 2 ** 30;

/**
 * Opens a regular file. The reader holds it open until `close`; the size is that of now.
 * @throws FileError when the file is missing, a folder, a device, or not readable
 */
export async function openFileReader(path: string): Promise<ByteReader & { close(): Promise<void> }> {
  const handle = await withFileErrors('read', path, async () => {
    // Asked first, since opening a pipe would wait for its writer.
    const status = await stat(path);
    if (!status.isFile()) throw notRegular(path, status.isDirectory());
    return open(path, 'r');
  });
  const { size } = await withFileErrors('read', path, () => handle.stat()).catch(async (error) => {
    await handle.close();
    throw error;
  });
  return {
    name: path,
    size,
    async read(offset, length, signal) {
      requireRange(path, size, offset, length);
      const bytes = allocateBytes(path, length);
      await withFileErrors('read', path, () => fill(handle, bytes, offset, path, signal));
      return bytes;
    },
    close: () => withFileErrors('read', path, () => handle.close()),
  };
}

/**
 * All bytes of a small file: a config, an index, a tokenizer.
 * @param maxBytes 100 MB by default
 * @throws FileError as `openFileReader`, FormatError `range` when the file is larger
 */
export async function readFileBytes(path: string, maxBytes = 100_000_000): Promise<Uint8Array> {
  const reader = await openFileReader(path);
  try {
    if (reader.size <= maxBytes) return await reader.read(0, reader.size);
    const message = `[read] ${showName(path)}: at most ${maxBytes} bytes are expected, it has ${reader.size}; is it the right file?`;
    throw new FormatError('range', message, { file: path });
  } finally {
    await reader.close();
  }
}

async function fill(
  handle: FileHandle,
  bytes: Uint8Array,
  offset: number,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  let at = 0;
  while (at < bytes.byteLength) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(
      bytes,
      at,
      Math.min(bytes.byteLength - at, LARGEST_READ),
      offset + at,
    );
    if (bytesRead === 0) {
      const problem = `the file ended at byte ${offset + at}, it was longer before; open it again`;
      throw new FormatError('truncated', `[read] ${showName(path)}: ${problem}`, { file: path });
    }
    at += bytesRead;
  }
}

/** For folders, pipes and devices. */
export function notRegular(path: string, isFolder: boolean): FileError {
  const what = isFolder ? 'it is a folder' : 'it is a device or a pipe';
  const code = isFolder ? 'EISDIR' : 'EINVAL';
  return new FileError(
    `[file] ${showName(path)}: ${what}, a regular file is required (${code}); check the path`,
    path,
    code,
  );
}

// Replaces a file in one step: at every moment, also across a kill or a power cut, the path holds the whole old file or
// the whole new one. One writer for a path at a time.

import { randomBytes } from 'node:crypto';
import { chmod, type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FormatError } from '../errors.ts';
import { type ByteSink, writeInPieces } from '../io/byte-sink.ts';
import { encodeUtf8 } from '../utf8.ts';
import { systemCode, toFileError, withFileErrors } from './file-error.ts';
import { notRegular } from './file-reader.ts';
import { prefixBeside, resolveTarget } from './names-beside.ts';
import { syncFolder } from './sync.ts';

const TEMPORARY = /^\.[0-9a-f]{12}\.partial$/;

/**
 * Writes to a temporary file beside the target, syncs it, renames it over the target and syncs the folder. A failure
 * leaves the old file as it was and removes the temporary one. Rights of an existing file are kept; a symbolic link
 * stays, the file that it leads to is replaced.
 * @param write the content, or a function that writes it piece by piece
 * @throws FileError for errors of the file system, also those that `write` throws; everything else that `write` throws,
 * and the signal's reason, as it is
 */
export async function writeFileAtomic(
  path: string,
  write: string | Uint8Array | ((sink: ByteSink) => Promise<void>),
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const { signal } = options;
  signal?.throwIfAborted();
  let consequence = 'the old file is unchanged';
  let temporaryPrefix = prefixBeside(path);
  try {
    const target = await resolveTarget(path);
    temporaryPrefix = prefixBeside(target);
    const mode = await existingMode(target);
    if (mode === undefined) consequence = 'nothing was written';
    const temporary = `${temporaryPrefix}.${randomBytes(6).toString('hex')}.partial`;
    try {
      await writeDurably(temporary, write, signal);
      if (mode !== undefined) await chmod(temporary, mode);
      signal?.throwIfAborted();
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
    consequence = 'the file is new but may not survive a power cut';
    await syncFolder(dirname(target));
  } catch (error) {
    throw toFileError(error, { label: 'write', path, consequence, temporaryPrefix });
  }
}

/**
 * Removes what writers of this file left behind when they were killed. Only while no other process writes it.
 * @returns how many temporary files were removed
 */
export async function recoverFile(path: string): Promise<number> {
  return withFileErrors('recover', path, async () => {
    const prefix = prefixBeside(await resolveTarget(path));
    const names = await readdir(dirname(prefix));
    const start = basename(prefix);
    const left = names.filter((name) => name.startsWith(start) && TEMPORARY.test(name.slice(start.length)));
    for (const name of left) await rm(join(dirname(prefix), name), { force: true });
    return left.length;
  });
}

/** Permission bits of the file that will be replaced; undefined when there is none. */
async function existingMode(target: string): Promise<number | undefined> {
  try {
    const status = await stat(target);
    if (status.isFile()) return status.mode & 0o777;
    throw notRegular(target, status.isDirectory());
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeDurably(
  path: string,
  write: string | Uint8Array | ((sink: ByteSink) => Promise<void>),
  signal: AbortSignal | undefined,
): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    const sink = fileSink(handle);
    if (typeof write === 'function') await write(sink);
    else await writeInPieces(sink, typeof write === 'string' ? encodeUtf8(write) : write, signal);
    await sink.finish();
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes in the order of the calls, also when a caller does not wait for each. */
function fileSink(handle: FileHandle): ByteSink & { finish(): Promise<void> } {
  let last = Promise.resolve();
  let open = true;
  return {
    write(bytes) {
      if (!open) {
        const message = '[write] the file is complete, nothing more can be written; await every write';
        return Promise.reject(new FormatError('io', message));
      }
      last = last.then(() => append(handle, bytes));
      // The failure is seen by whoever awaits this write, and by finish.
      last.catch(() => {});
      return last;
    },
    async finish() {
      open = false;
      await last;
    },
  };
}

async function append(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.byteLength) {
    const { bytesWritten } = await handle.write(bytes, at, Math.min(bytes.byteLength - at, 2 ** 30));
    at += bytesWritten;
  }
}

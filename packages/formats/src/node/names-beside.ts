// Names for temporary files and folders beside their target: hidden, recognisable after a crash, never too long.
import { createHash } from 'node:crypto';
import { readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { systemCode } from './file-error.ts';

// Most file systems allow 255 bytes for a name; the rest is for the dot and what is appended.
const LONGEST_BASE = 200;

/** A path as `.name` in the same folder: the start of all temporary names that belong to it. */
export function prefixBeside(path: string): string {
  const base = basename(path);
  const fits = Buffer.byteLength(base) <= LONGEST_BASE;
  return join(
    dirname(path),
    `.${fits ? base : createHash('sha256').update(base).digest('hex').slice(0, 32)}`,
  );
}

/**
 * The absolute path, through symbolic links: a link stays, what it leads to is replaced. A link whose goal is missing
 * (for a moment, while a folder is swapped) is followed too.
 */
export async function resolveTarget(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  const goal = await readlink(absolute).catch(() => undefined);
  return goal === undefined ? absolute : resolveTarget(resolve(dirname(absolute), goal));
}

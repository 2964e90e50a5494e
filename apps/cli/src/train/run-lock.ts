/**
 * One run a folder: a lock file that names its process and machine. A lock whose process is gone means nothing; of
 * several that start at the same moment one gets it.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { withFileErrors } from '@qsparse/formats/node';

/** A run folder that cannot be used as asked. */
export class RunFolderError extends Error {
  readonly code = 'run-folder';
}

/** A run is going on in the folder. */
export class RunFolderBusyError extends RunFolderError {}

/** Locks of this process, which its own id alone would not tell from those of an earlier one with the same id. */
const held = new Set<string>();

/** Takes the lock of a folder that exists. Returns what gives it up; the end of the process does so too. */
export async function takeLock(folder: string): Promise<() => void> {
  const lock = resolve(folder, 'run.lock');
  await withFileErrors('train', folder, () => take(folder, lock));
  held.add(lock);
  const release = (): void => {
    process.off('exit', release);
    if (held.delete(lock)) rmSync(lock, { force: true });
  };
  process.on('exit', release);
  return release;
}

async function take(folder: string, lock: string): Promise<void> {
  const mine = `${lock}.${randomBytes(6).toString('hex')}`;
  await writeFile(mine, `${JSON.stringify({ process: process.pid, machine: hostname() })}\n`, { flag: 'wx' });
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      if (await appears(mine, lock)) return;
      const owner = await readFile(lock, 'utf8').catch(ifMissing);
      if (owner !== undefined) await removeStale(folder, lock, owner);
    }
    throw busy(folder, 'others take it at this moment');
  } finally {
    await rm(mine, { force: true });
  }
}

/** Puts the lock in place, whole, where there is none. */
async function appears(mine: string, lock: string): Promise<boolean> {
  try {
    await link(mine, lock);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'].includes(code ?? '')) throw error;
  }
  // A file system without links.
  const content = await readFile(mine);
  return writeFile(lock, content, { flag: 'wx' }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
}

/** Throws RunFolderBusyError where the owner lives, or may live. */
async function removeStale(folder: string, lock: string, owner: string): Promise<void> {
  const { process: pid, machine } = parseOwner(owner);
  if (pid === undefined) throw busy(folder, 'its lock cannot be read');
  if (machine !== hostname()) throw busy(folder, `process ${pid} on ${machine}`);
  if (pid === process.pid ? held.has(lock) : isAlive(pid)) throw busy(folder, `process ${pid}`);
  // Moved before it is deleted: should another have replaced it in the meantime, it is given back.
  const aside = `${lock}.${randomBytes(6).toString('hex')}`;
  await rename(lock, aside).catch(ifMissing);
  const moved = await readFile(aside, 'utf8').catch(ifMissing);
  if (moved !== undefined && moved !== owner) await link(aside, lock).catch(() => {});
  await rm(aside, { force: true });
}

function parseOwner(text: string): { process?: number; machine?: string } {
  try {
    const { process: pid, machine } = JSON.parse(text) as { process?: unknown; machine?: unknown };
    return Number.isInteger(pid) && typeof machine === 'string' ? { process: pid as number, machine } : {};
  } catch {
    return {};
  }
}

function busy(folder: string, who: string): RunFolderBusyError {
  const lock = join(folder, 'run.lock');
  return new RunFolderBusyError(
    `[train] a run is going on in ${folder} (${who}); wait for it or choose another --out; if there is none, delete ${lock}`,
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/**
 * One run a folder: a lock file that names its process and machine. A lock whose process is gone means nothing; of
 * several that start at the same moment one gets it.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { withFileErrors } from '@qsparse/formats/node';

/** A run folder that cannot be used as asked. */
export class RunFolderError extends Error {
  readonly code = 'run-folder';
}

/** A run is going on in the folder. */
export class RunFolderBusyError extends RunFolderError {}

interface Owner {
  readonly process: number;
  readonly machine: string;
  /** Tells two locks of one process id apart. */
  readonly id: string;
}

/** Ids of locks that this process has or is taking. */
const ours = new Set<string>();

/** Takes the lock of a folder that exists. Returns what gives it up; the end of the process does so too. */
export async function takeLock(folder: string): Promise<() => void> {
  const lock = resolve(folder, 'run.lock');
  const owner = { process: process.pid, machine: hostname(), id: randomBytes(6).toString('hex') };
  ours.add(owner.id);
  try {
    await withFileErrors('train', folder, () => take(folder, lock, owner));
  } catch (error) {
    ours.delete(owner.id);
    throw error;
  }
  const release = (): void => {
    process.off('exit', release);
    if (ours.delete(owner.id)) rmSync(lock, { force: true });
  };
  process.on('exit', release);
  return release;
}

const ATTEMPTS = 100;
const MILLISECONDS_BETWEEN = 10;

async function take(folder: string, lock: string, owner: Owner): Promise<void> {
  // Written whole under another name, so that nobody ever reads half of it.
  const mine = `${lock}.${owner.id}`;
  await writeFile(mine, `${JSON.stringify(owner)}\n`, { flag: 'wx' });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await appears(mine, lock)) return;
      const found = await readFile(lock, 'utf8').catch(ifMissing);
      if (found === undefined) continue;
      requireStale(folder, found);
      await removeStale(mine, lock, found);
    }
    throw busy(folder, 'others take it at this moment');
  } finally {
    await rm(mine, { force: true });
  }
}

/** Puts a copy of `mine` in place where there is none. */
async function appears(mine: string, path: string): Promise<boolean> {
  const isThere = (error: NodeJS.ErrnoException): boolean => error.code === 'EEXIST';
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if (isThere(error as NodeJS.ErrnoException)) return false;
  }
  // A file system without links.
  return writeFile(path, await readFile(mine), { flag: 'wx' }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (isThere(error)) return false;
      throw error;
    },
  );
}

/** Throws RunFolderBusyError where the owner lives, or may live. */
function requireStale(folder: string, text: string): void {
  const owner = parseOwner(text);
  if (!owner) throw busy(folder, 'its lock cannot be read');
  const { process: pid, machine, id } = owner;
  if (machine !== hostname()) throw busy(folder, `process ${pid} on ${machine}`);
  // Our own process id in a lock that is not ours comes from an earlier process, before a restart of the machine.
  if (pid === process.pid ? ours.has(id) : isAlive(pid)) throw busy(folder, `process ${pid}`);
}

/** Removes the lock as it was read; one at a time, so that nobody removes the one that came after it. */
async function removeStale(mine: string, lock: string, found: string): Promise<void> {
  const guard = `${lock}.takeover`;
  if (!(await appears(mine, guard))) {
    await delay(MILLISECONDS_BETWEEN);
    return;
  }
  try {
    const now = await readFile(lock, 'utf8').catch(ifMissing);
    if (now === found) await rm(lock, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

function parseOwner(text: string): Owner | undefined {
  try {
    const { process: pid, machine, id } = JSON.parse(text) as Partial<Owner>;
    if (!Number.isInteger(pid) || typeof machine !== 'string' || typeof id !== 'string') return undefined;
    return { process: pid!, machine, id };
  } catch {
    return undefined;
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

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { FileError } from '@qsparse/formats/node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RunFolderBusyError, takeLock } from '../../src/train/run-lock.ts';
import { temporaryFolder } from '../run-cli.ts';

let folder: ReturnType<typeof temporaryFolder>;
let lock: string;
beforeEach(() => {
  folder = temporaryFolder();
  lock = join(folder.path, 'run.lock');
});
afterEach(() => folder.remove());

const owner = (process: number, machine: string = hostname()) =>
  writeFileSync(lock, JSON.stringify({ process, machine, id: 'earlier' }));
/** A process id that nobody has: larger than every limit. */
const GONE = 2 ** 30;

test('taken, it names its process; given up, nothing is left', async () => {
  const listeners = process.listenerCount('exit');
  const release = await takeLock(folder.path);
  expect(JSON.parse(readFileSync(lock, 'utf8'))).toMatchObject({ process: process.pid, machine: hostname() });
  await expect(takeLock(folder.path)).rejects.toThrow(RunFolderBusyError);
  await expect(takeLock(folder.path)).rejects.toThrow(
    `[train] a run is going on in ${folder.path} (process ${process.pid}); wait for it or choose another --out; if there is none, delete ${lock}`,
  );
  release();
  release();
  expect(readdirSync(folder.path)).toEqual([]);
  expect(process.listenerCount('exit')).toBe(listeners);
});

test('the end of the process gives it up', async () => {
  const release = await takeLock(folder.path);
  process.listeners('exit').at(-1)!(0);
  expect(existsSync(lock)).toBe(false);
  release();
});

test('the lock of a process that is gone means nothing, also one with our own id from before', async () => {
  for (const id of [GONE, process.pid]) {
    owner(id);
    const release = await takeLock(folder.path);
    expect(readdirSync(folder.path)).toEqual(['run.lock']);
    release();
  }
});

test.each<[string, () => void, string]>([
  ['of a living process', () => owner(process.ppid), `(process ${process.ppid})`],
  ['of another machine', () => owner(GONE, 'elsewhere'), `(process ${GONE} on elsewhere)`],
  ['that cannot be read', () => writeFileSync(lock, 'what'), '(its lock cannot be read)'],
  ['that is empty', () => writeFileSync(lock, ''), '(its lock cannot be read)'],
])('a lock %s is respected', async (_, make, message) => {
  make();
  const before = readFileSync(lock, 'utf8');
  await expect(takeLock(folder.path)).rejects.toThrow(message);
  expect(readFileSync(lock, 'utf8')).toBe(before);
  expect(readdirSync(folder.path)).toEqual(['run.lock']);
});

test.each<[string, () => void]>([
  ['no lock', () => {}],
  ['a lock of a process that is gone', () => owner(GONE)],
  ['a lock with our own process id from before', () => owner(process.pid)],
])('over %s exactly one of many at once gets it', async (_, make) => {
  for (let round = 0; round < 20; round++) {
    make();
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(folder.path)));
    const won = tries.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    expect(won).toHaveLength(1);
    expect(readdirSync(folder.path)).toEqual(['run.lock']);
    for (const release of won) release();
  }
});

test('a takeover that was killed blocks nobody for good: the message says what to delete', async () => {
  owner(GONE);
  writeFileSync(`${lock}.takeover`, '');
  await expect(takeLock(folder.path)).rejects.toThrow(
    `(others take it at this moment); wait for it or choose another --out; if there is none, delete ${lock}`,
  );
  rmSync(lock);
  (await takeLock(folder.path))();
});

test('a folder that is not there is named', async () => {
  await expect(takeLock(join(folder.path, 'missing'))).rejects.toThrow(FileError);
});

/**
 * A run folder: run.yaml, metrics.jsonl, checkpoints, and a lock so that two runs never share one. Opening it changes
 * nothing that an earlier run has learnt.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '@qsparse/formats/node';

/** A run folder that cannot be used as asked. */
export class RunFolderError extends Error {
  readonly code = 'run-folder';
}

export interface RunFolder {
  readonly path: string;
  writeText(name: string, text: string): Promise<void>;
  /** Appends one line to metrics.jsonl. */
  logMetrics(entry: object): void;
  /** Drops metrics of steps after `step`, which a killed run wrote and the resumed one will write again. */
  rewindMetrics(step: number): Promise<void>;
  /** Gives up the lock. */
  close(): void;
}

/** The first free name: runs/tiny, runs/tiny-2, … */
export function freeRunFolder(base: string): string {
  for (let i = 1; ; i++) {
    const path = i === 1 ? base : `${base}-${i}`;
    if (!existsSync(path)) return path;
  }
}

/** Makes the folder and takes its lock. Throws RunFolderError where it holds a run already (`resume` false) or one is going on in it. */
export function openRunFolder(path: string, { resume }: { readonly resume: boolean }): RunFolder {
  const lock = join(path, 'run.lock');
  if (!resume && existsSync(join(path, 'run.yaml'))) {
    throw new RunFolderError(
      `[train] ${path} holds a run already; go on with --resume ${path}, or choose another --out`,
    );
  }
  if (resume && !existsSync(join(path, 'run.yaml'))) {
    throw new RunFolderError(
      `[train] ${path} holds no run.yaml, so there is no run to resume; check the path`,
    );
  }
  guarded(path, () => mkdirSync(path, { recursive: true }));
  guarded(path, () => takeLock(path, lock));
  const metrics = join(path, 'metrics.jsonl');
  return {
    path,
    writeText: (name, text) =>
      writeFileAtomic(join(path, name), (sink) => sink.write(new TextEncoder().encode(text))),
    logMetrics: (entry) => guarded(path, () => appendFileSync(metrics, `${JSON.stringify(entry)}\n`)),
    async rewindMetrics(step) {
      if (!existsSync(metrics)) return;
      const kept = readFileSync(metrics, 'utf8')
        .split('\n')
        .filter((line) => stepOf(line) <= step);
      await this.writeText('metrics.jsonl', kept.map((line) => `${line}\n`).join(''));
    },
    close: () => rmSync(lock, { force: true }),
  };
}

/** The step of a metrics line; infinite for a line that is not whole. */
function stepOf(line: string): number {
  try {
    const { step } = JSON.parse(line) as { step?: unknown };
    return typeof step === 'number' ? step : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function takeLock(path: string, lock: string): void {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = openSync(lock, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = Number(readFileSync(lock, 'utf8'));
      if (isAlive(owner))
        throw new RunFolderError(
          `[train] a run is going on in ${path} (process ${owner}); wait for it or choose another --out`,
        );
      // Its process was killed: the lock means nothing any more.
      rmSync(lock, { force: true });
    }
  }
  throw new RunFolderError(`[train] ${lock} cannot be taken; another run started at the same moment`);
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'there is no right to write here; change its permissions or choose another --out',
  EPERM: 'there is no right to write here; change its permissions or choose another --out',
  EROFS: 'the file system is read-only; choose another --out',
  ENOSPC: 'the disk is full; free some space, then go on with --resume',
  EDQUOT: 'the disk quota is used up; free some space, then go on with --resume',
  EEXIST: 'a file of that name is in the way; choose another --out',
  ENOTDIR: 'a part of the path is a file; choose another --out',
};

function guarded<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const reason = REASONS[(error as NodeJS.ErrnoException).code ?? ''];
    if (reason && !(error instanceof RunFolderError))
      throw new RunFolderError(`[train] ${path}: ${reason}`, { cause: error });
    throw error;
  }
}

/**
 * A run folder: run.yaml, metrics.jsonl, event files, checkpoints and a lock. Opening it changes nothing that an earlier run has
 * learnt; a run that never took a step leaves nothing behind.
 */
import { existsSync } from 'node:fs';
import { mkdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { withFileErrors, writeFileAtomic } from '@qsparse/formats/node';
import { checkpointFolders, type MetricsFile, metricsFile } from '@qsparse/training/node';
import { RunFolderError, takeLock } from './run-lock.ts';

/** What a reference model says of preferences, computed once. */
export const REFERENCE = 'reference.json';

export interface RunFolder {
  readonly path: string;
  readonly metrics: MetricsFile;
  writeSettings(yaml: string): Promise<void>;
  /** Gives up the lock; takes everything away again that a run without a single step has made. */
  close(): Promise<void>;
}

/**
 * Makes the folder where it is not there, and takes its lock. Throws RunFolderError where it holds a run already
 * (`resume` false), holds none (`resume` true), or one is going on in it; FileError where it cannot be made.
 */
export async function openRunFolder(
  path: string,
  { resume }: { readonly resume: boolean },
): Promise<RunFolder> {
  if (resume) runYamlOf(path);
  const firstMade = await withFileErrors('train', path, () => makeFolder(resolve(path)));
  return openMade(path, resume, firstMade);
}

/** The first free of runs/tiny, runs/tiny-2, …, made and opened. */
export async function openFreeRunFolder(base: string): Promise<RunFolder> {
  return withFileErrors('train', base, async () => {
    const firstMade = await makeFolder(resolve(dirname(base)));
    for (let i = 1; ; i++) {
      const path = i === 1 ? base : `${base}-${i}`;
      const isMine = await mkdir(path).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') return false;
          throw error;
        },
      );
      if (isMine) return openMade(path, false, firstMade ?? resolve(path));
    }
  });
}

async function openMade(path: string, resume: boolean, firstMade: string | undefined): Promise<RunFolder> {
  const release = await takeLock(path).catch(async (error: unknown) => {
    await removeEmpty(path, firstMade);
    throw error;
  });
  if (!resume) {
    await requireUnused(path).catch((error: unknown) => {
      release();
      throw error;
    });
  }
  const metrics = metricsFile(join(path, 'metrics.jsonl'));
  return {
    path,
    metrics,
    writeSettings: (text) => writeFileAtomic(join(path, 'run.yaml'), text),
    async close() {
      const learntNothing = !resume && (await metrics.losses()).length === 0;
      if (learntNothing)
        for (const name of ['run.yaml', 'metrics.jsonl', REFERENCE])
          await rm(join(path, name), { force: true });
      release();
      if (learntNothing) await removeEmpty(path, firstMade);
    },
  };
}

/** The settings of a run that is there. Throws RunFolderError where there is none. */
export function runYamlOf(path: string): string {
  const yaml = join(path, 'run.yaml');
  if (existsSync(yaml)) return yaml;
  throw new RunFolderError(`[train] ${path} holds no run.yaml, so there is no run to resume; check the path`);
}

async function requireUnused(path: string): Promise<void> {
  const hasFile = ['run.yaml', 'metrics.jsonl'].some((name) => existsSync(join(path, name)));
  if (!hasFile && (await checkpointFolders(path)).length === 0) return;
  throw new RunFolderError(
    `[train] ${path} holds a run already; go on with --resume ${path}, or choose another --out`,
  );
}

/** Returns the first folder that was made; undefined where it is there already. */
async function makeFolder(path: string): Promise<string | undefined> {
  // Not by `recursive`, which never comes back where the system makes no folders (under /proc).
  let firstMade: string | undefined;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await mkdir(path);
      return firstMade ?? path;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST' && (await stat(path)).isDirectory()) return firstMade;
      if (code !== 'ENOENT' || attempt > 0 || dirname(path) === path) throw error;
      firstMade = await makeFolder(dirname(path));
    }
  }
  return firstMade;
}

/** Removes the folder and those above it up to the first that was made for it, as far as they are empty. */
async function removeEmpty(path: string, firstMade: string | undefined): Promise<void> {
  if (firstMade === undefined) return;
  for (let folder = resolve(path); folder.startsWith(firstMade); folder = dirname(folder)) {
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}

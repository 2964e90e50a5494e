/**
 * A run folder: run.yaml, metrics.jsonl, checkpoints and a lock. Opening it changes nothing that an earlier run has
 * learnt; a run that never took a step leaves nothing behind.
 */
import { existsSync } from 'node:fs';
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { withFileErrors, writeFileAtomic } from '@qsparse/formats/node';
import { checkpointFolders } from '@qsparse/training/node';
import { type Metrics, metricsFile } from './metrics.ts';
import { RunFolderBusyError, RunFolderError, takeLock } from './run-lock.ts';

export interface RunFolder {
  readonly path: string;
  readonly metrics: Metrics;
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
  const yaml = join(path, 'run.yaml');
  if (resume && !existsSync(yaml)) {
    throw new RunFolderError(
      `[train] ${path} holds no run.yaml, so there is no run to resume; check the path`,
    );
  }
  const firstMade = await withFileErrors('train', path, () => mkdir(path, { recursive: true }));
  const release = await takeLock(path).catch(async (error: unknown) => {
    await removeEmpty(path, firstMade);
    throw error;
  });
  const metrics = metricsFile(join(path, 'metrics.jsonl'));
  const close = async () => {
    const learntNothing = !resume && (await metrics.losses()).length === 0;
    if (learntNothing)
      for (const name of ['run.yaml', 'metrics.jsonl']) await rm(join(path, name), { force: true });
    release();
    if (learntNothing) await removeEmpty(path, firstMade);
  };
  try {
    if (!resume) await requireUnused(path, yaml);
  } catch (error) {
    release();
    throw error;
  }
  return { path, metrics, writeSettings: (text) => writeFileAtomic(yaml, text), close };
}

/** The first free of runs/tiny, runs/tiny-2, …, opened. */
export async function openFreeRunFolder(base: string): Promise<RunFolder> {
  for (let i = 1; ; i++) {
    const path = i === 1 ? base : `${base}-${i}`;
    if (existsSync(path)) continue;
    try {
      return await openRunFolder(path, { resume: false });
    } catch (error) {
      // Another run has just taken this name.
      if (!(error instanceof RunFolderBusyError)) throw error;
    }
  }
}

async function requireUnused(path: string, yaml: string): Promise<void> {
  const inUse = existsSync(yaml) || (await checkpointFolders(path)).length > 0;
  if (!inUse && !existsSync(join(path, 'metrics.jsonl'))) return;
  throw new RunFolderError(
    `[train] ${path} holds a run already; go on with --resume ${path}, or choose another --out`,
  );
}

/** Removes the folder and those above it up to the first that was made for it, as far as they are empty. */
async function removeEmpty(path: string, firstMade: string | undefined): Promise<void> {
  if (firstMade === undefined) return;
  const top = resolve(firstMade);
  for (let folder = resolve(path); folder.startsWith(top); folder = dirname(folder)) {
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}

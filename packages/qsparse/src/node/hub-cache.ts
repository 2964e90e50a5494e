/**
 * Models of the Hugging Face Hub as files on disk, each downloaded once, in the folder and layout that Hugging Face's own
 * programs share: models--OWNER--NAME/snapshots/COMMIT. What is there is not asked for again.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ValueError } from '@qsparse/core';
import { type ByteReader, FormatError } from '@qsparse/formats';
import { FileError, openFileReader, withFileErrors, writeFileAtomic } from '@qsparse/formats/node';
import type { ModelFiles } from '@qsparse/models';
import { type HubOptions, hubCommit, hubFiles } from '../hub.ts';

export interface HubCacheOptions extends HubOptions {
  /** Default: $HF_HUB_CACHE, $HF_HOME/hub or ~/.cache/huggingface/hub. */
  readonly cache?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told while a file comes. */
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
}

export interface DownloadProgress {
  readonly file: string;
  readonly bytes: number;
  readonly totalBytes: number;
}

/** Whether this could be the name of a model on the hub, `owner/name`, rather than a path. */
export function isHubName(text: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/.test(text) && !/\.(gguf|bin)$/.test(text);
}

/**
 * The files of a model by its name, `owner/name`, for `fromPretrained`. Without a network the commit that the revision
 * was last is taken, and files that are not there are missing. Throws ValueError for another name or where the package
 * `@huggingface/hub` is missing, FormatError for what the hub refuses, FileError for a folder that cannot be written.
 */
export async function cachedHubFiles(
  repository: string,
  { cache = defaultCache(), signal, onDownload, ...hub }: HubCacheOptions = {},
): Promise<ModelFiles> {
  if (!isHubName(repository))
    throw new ValueError(
      'hub',
      `a name of the form owner/name is required, got ${JSON.stringify(repository)}`,
    );
  const { revision = 'main' } = hub;
  const folder = join(cache, `models--${repository.replace('/', '--')}`);
  const { commit, isOnline } = await commitOf(repository, folder, hub);
  const snapshot = join(folder, 'snapshots', commit);
  const remote = isOnline ? await hubFiles(repository, { ...hub, revision: commit }) : undefined;
  return {
    name: `${repository}@${revision}`,
    async open(fileName) {
      if (!/^[\w-][\w.-]*$/.test(fileName))
        throw new ValueError('hub', `the plain name of a file is required, got ${JSON.stringify(fileName)}`);
      const path = join(snapshot, fileName);
      const local = await openIfThere(path);
      if (local || !remote) return local;
      const reader = await remote.open(fileName);
      if (!reader) return undefined;
      try {
        await download(reader, path, { signal, onDownload, file: fileName });
      } finally {
        await reader.close?.();
      }
      return openFileReader(path);
    },
  };
}

/** Pieces of a download; few enough requests, little memory. */
const PIECE = 8 * 2 ** 20;

async function download(
  reader: ByteReader,
  path: string,
  { file, signal, onDownload }: Pick<HubCacheOptions, 'signal' | 'onDownload'> & { readonly file: string },
): Promise<void> {
  const totalBytes = reader.size;
  await withFileErrors('hub', path, () => mkdir(dirname(path), { recursive: true }));
  await writeFileAtomic(path, async (sink) => {
    for (let at = 0; at < totalBytes; at += PIECE) {
      signal?.throwIfAborted();
      await sink.write(await reader.read(at, Math.min(PIECE, totalBytes - at), signal));
      onDownload?.({ file, bytes: Math.min(at + PIECE, totalBytes), totalBytes });
    }
  });
}

/** The commit that a revision is now; where the hub cannot be reached, what it was. */
async function commitOf(
  repository: string,
  folder: string,
  hub: HubOptions,
): Promise<{ readonly commit: string; readonly isOnline: boolean }> {
  const { revision = 'main' } = hub;
  if (/^[0-9a-f]{40}$/.test(revision)) return { commit: revision, isOnline: true };
  const note = join(folder, 'refs', encodeURIComponent(revision));
  try {
    const commit = await hubCommit(repository, hub);
    await withFileErrors('hub', note, () => mkdir(dirname(note), { recursive: true }));
    await writeFileAtomic(note, commit);
    return { commit, isOnline: true };
  } catch (error) {
    // An answer that refuses is an answer; a ValueError says that the package is missing.
    if (!(error instanceof FormatError) || error.code !== 'io' || hasStatus(error.cause)) throw error;
    const commit = await readFile(note, 'utf8').catch(() => '');
    if (!/^[0-9a-f]{40}$/.test(commit.trim())) throw error;
    return { commit: commit.trim(), isOnline: false };
  }
}

const hasStatus = (cause: unknown): boolean =>
  typeof (cause as { readonly statusCode?: unknown } | undefined)?.statusCode === 'number';

async function openIfThere(path: string): Promise<ByteReader | undefined> {
  try {
    return await openFileReader(path);
  } catch (error) {
    if (error instanceof FileError && error.systemCode === 'ENOENT') return undefined;
    throw error;
  }
}

function defaultCache(): string {
  const { HF_HUB_CACHE, HF_HOME } = process.env;
  return HF_HUB_CACHE || join(HF_HOME || join(homedir(), '.cache', 'huggingface'), 'hub');
}

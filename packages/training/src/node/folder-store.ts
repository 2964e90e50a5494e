/**
 * Checkpoints in a run folder:
 *
 *   RUN/checkpoints/step-00000100/   model.safetensors, optimizer.safetensors, training.json, and the files given
 *
 * A folder of that name is always whole: it is filled under another name, synced and renamed, and renamed again before
 * it is deleted. One store for a run folder at a time.
 */
import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  FormatError,
  formatJson,
  openSafetensors,
  parseConfig,
  readObject,
  type TensorToWrite,
  writeSafetensors,
} from '@qsparse/formats';
import {
  FileError,
  openFileReader,
  readFileBytes,
  recoverFolder,
  replaceFolderAtomic,
  withFileErrors,
} from '@qsparse/formats/node';
import type { CheckpointStore, StoredCheckpoint, TrainingState } from '../checkpoint.ts';

export interface FolderStoreOptions {
  /** Small text files that belong to every checkpoint, by name: config.json, tokenizer.json. */
  readonly files?: Readonly<Record<string, string>> | undefined;
  /** Default `model.safetensors`. */
  readonly weightsFile?: string | undefined;
  /** Checkpoints that stay, the newest ones; at least 1. Default 2. */
  readonly keep?: number | undefined;
}

const WEIGHTS = 'model.safetensors';
const NAME = /^step-(\d{8,})$/;
/** What a killed process left behind while it wrote or deleted the checkpoint of that name. */
const LEFTOVER = /^\.(step-\d{8,})\.(partial|ready|previous|trash)$/;

/** Throws FileError where the file system fails and FormatError for a checkpoint that is damaged. */
export function folderStore(
  runFolder: string,
  { files = {}, weightsFile = WEIGHTS, keep = 2 }: FolderStoreOptions = {},
): CheckpointStore {
  const root = join(runFolder, 'checkpoints');
  return {
    async save({ state, weights, moments }) {
      await withFileErrors('save', root, () => mkdir(root, { recursive: true }));
      const target = join(root, `step-${String(state.step).padStart(8, '0')}`);
      await replaceFolderAtomic(target, async (folder) => {
        for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
        await writeTensors(join(folder, weightsFile), weights);
        await writeTensors(join(folder, 'optimizer.safetensors'), moments);
        await writeFile(join(folder, 'training.json'), formatJson(state));
      });
      for (const old of (await checkpointFolders(runFolder)).slice(0, -Math.max(1, keep))) await remove(old);
    },
    async latest() {
      await withFileErrors('resume', root, () => recover(root));
      const newest = (await checkpointFolders(runFolder)).at(-1);
      if (newest === undefined) return undefined;
      return openCheckpoint(newest, weightsFile).catch((error: unknown) => {
        if (!(error instanceof FormatError)) throw error;
        const message = `${error.message}, or delete ${newest} to go on from the checkpoint before it`;
        throw new FormatError(error.code, message, { file: error.file, cause: error });
      });
    },
  };
}

/** Not synced: the folder is, as a whole. */
async function writeTensors(path: string, tensors: readonly TensorToWrite[]): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    const sink = { write: (bytes: Uint8Array) => handle.appendFile(bytes) };
    await writeSafetensors(sink, tensors, { metadata: { format: 'pt' } });
  } finally {
    await handle.close();
  }
}

/** Complete checkpoints of a run folder, oldest first; none where there is no such folder. */
export async function checkpointFolders(runFolder: string): Promise<readonly string[]> {
  const root = join(runFolder, 'checkpoints');
  const steps = (await namesIn(root)).flatMap((name) => {
    const [, step] = NAME.exec(name) ?? [];
    return step ? [{ name, step: Number(step) }] : [];
  });
  return steps.sort((a, b) => a.step - b.step).map(({ name }) => join(root, name));
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await withFileErrors('checkpoints', folder, () => readdir(folder));
  } catch (error) {
    if (error instanceof FileError && ['ENOENT', 'ENOTDIR'].includes(error.systemCode)) return [];
    throw error;
  }
}

/** Under another name first, so that a half deleted folder is never taken for a checkpoint. */
async function remove(checkpoint: string): Promise<void> {
  const trash = join(dirname(checkpoint), `.${basename(checkpoint)}.trash`);
  await withFileErrors('save', checkpoint, async () => {
    await rename(checkpoint, trash);
    await rm(trash, { recursive: true, force: true });
  });
}

async function recover(root: string): Promise<void> {
  const interrupted = (await namesIn(root)).flatMap((name) => LEFTOVER.exec(name)?.[1] ?? []);
  for (const name of new Set(interrupted)) await recoverFolder(join(root, name));
}

/** One checkpoint, which its caller closes. Throws FileError or FormatError. */
export async function openCheckpoint(
  folder: string,
  weightsFile: string = WEIGHTS,
): Promise<StoredCheckpoint> {
  const path = join(folder, 'training.json');
  const reader = readObject(parseConfig(await readFileBytes(path), path), path);
  reader.rejectUnknown(['step', 'tokens', 'position', 'fingerprint', 'earlierUpdates']);
  const state: TrainingState = {
    step: reader.integer('step', { min: 0 }),
    tokens: reader.integer('tokens', { min: 0 }),
    position: reader.get('position'),
    fingerprint: reader.string('fingerprint'),
    ...(reader.has('earlierUpdates') && { earlierUpdates: reader.integer('earlierUpdates', { min: 0 }) }),
  };
  const weights = await openSafetensors(await openFileReader(join(folder, weightsFile)));
  try {
    const moments = await openSafetensors(await openFileReader(join(folder, 'optimizer.safetensors')));
    const close = async () => {
      await weights.close();
      await moments.close();
    };
    return { name: folder, state, weights, moments, close };
  } catch (error) {
    await weights.close();
    throw error;
  }
}

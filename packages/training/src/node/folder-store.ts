/**
 * Checkpoints in a run folder:
 *
 *   RUN/checkpoints/step-00000100/   model.safetensors, optimizer.safetensors, training.json, and the files given
 *
 * Each is written beside and renamed when complete, so that a folder of that name is always whole; the oldest go.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatJson, openSafetensors, parseConfig, readObject, writeSafetensors } from '@qsparse/formats';
import { openFileReader, readFileBytes, replaceFolderAtomic, writeFileAtomic } from '@qsparse/formats/node';
import type { CheckpointStore, StoredCheckpoint, TrainingState } from '../checkpoint.ts';

export interface FolderStoreOptions {
  /** Small text files that belong to every checkpoint: config.json, tokenizer.json. */
  readonly files?: Readonly<Record<string, string>> | undefined;
  /** Checkpoints that stay. Default 2. */
  readonly keep?: number | undefined;
}

const NAME = /^step-(\d{8,})$/;

export function folderStore(
  runFolder: string,
  { files = {}, keep = 2 }: FolderStoreOptions = {},
): CheckpointStore {
  const root = join(runFolder, 'checkpoints');
  return {
    async save({ state, weights, moments }) {
      await mkdir(root, { recursive: true });
      const target = join(root, `step-${String(state.step).padStart(8, '0')}`);
      await replaceFolderAtomic(target, async (folder) => {
        for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
        for (const [name, tensors] of [
          ['model', weights],
          ['optimizer', moments],
        ] as const) {
          await writeFileAtomic(join(folder, `${name}.safetensors`), async (sink) => {
            await writeSafetensors(sink, tensors, { metadata: { format: 'pt' } });
          });
        }
        await writeFile(join(folder, 'training.json'), formatJson(state));
      });
      const old = (await checkpointFolders(runFolder)).slice(0, -keep);
      for (const folder of old) await rm(folder, { recursive: true, force: true });
      return target;
    },
    async latest() {
      const newest = (await checkpointFolders(runFolder)).at(-1);
      return newest ? openCheckpoint(newest) : undefined;
    },
  };
}

/** Complete checkpoints of a run folder, oldest first. */
export async function checkpointFolders(runFolder: string): Promise<readonly string[]> {
  const root = join(runFolder, 'checkpoints');
  const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
  const steps = names.flatMap((name) => {
    const [, step] = NAME.exec(name) ?? [];
    return step ? [{ name, step: Number(step) }] : [];
  });
  return steps.sort((a, b) => a.step - b.step).map(({ name }) => join(root, name));
}

async function openCheckpoint(folder: string): Promise<StoredCheckpoint> {
  const path = join(folder, 'training.json');
  const reader = readObject(parseConfig(await readFileBytes(path), path), path);
  reader.rejectUnknown(['step', 'tokens', 'position', 'fingerprint']);
  const state: TrainingState = {
    step: reader.integer('step', { min: 0 }),
    tokens: reader.integer('tokens', { min: 0 }),
    position: reader.get('position'),
    fingerprint: reader.string('fingerprint'),
  };
  const weights = await openSafetensors(await openFileReader(join(folder, 'model.safetensors')));
  try {
    const moments = await openSafetensors(await openFileReader(join(folder, 'optimizer.safetensors')));
    const close = async () => {
      await weights.close();
      await moments.close();
    };
    return { state, weights, moments, close };
  } catch (error) {
    await weights.close();
    throw error;
  }
}

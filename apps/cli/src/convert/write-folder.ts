/** Writes a model folder as a whole, or not at all. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatConfig, type JsonObject, type TensorToWrite, writeShardedSafetensors } from '@qsparse/formats';
import { replaceFolderAtomic, writeFileAtomic } from '@qsparse/formats/node';
import { type Arguments, type Command, PROGRAM, UsageError } from '../command.ts';

export interface FolderContent {
  readonly config: JsonObject;
  /** Other files, by name. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly tensors: readonly TensorToWrite[];
  /** Text entries of the weights; default: those that Hugging Face's loaders look for. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** The two paths of `SRC OUT`. Throws UsageError where one is missing. */
export function twoPaths(command: Command, { positionals }: Arguments): [from: string, to: string] {
  const [from, to] = positionals;
  if (from && to) return [from, to];
  throw new UsageError(
    `[${command.name}] a model and a new folder are required; usage: ${PROGRAM} ${command.name} ${command.usage}`,
  );
}

/** Throws UsageError for a path that holds something already. */
export async function requireFree(command: string, path: string): Promise<void> {
  const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR') return ['a file'];
    throw error;
  });
  if (names.length === 0) return;
  throw new UsageError(`[${command}] ${path} must be new or an empty folder; choose another name`);
}

/**
 * Replaces an empty folder, or makes a new one, when all files are complete. Throws FileError, FormatError of a tensor, and
 * the signal's reason; then nothing is left.
 */
export async function writeModelFolder(
  path: string,
  { config, files, tensors, metadata = { format: 'pt' } }: FolderContent,
  signal: AbortSignal,
): Promise<void> {
  const fill = async (folder: string): Promise<void> => {
    await writeFileAtomic(join(folder, 'config.json'), formatConfig(config));
    for (const [name, bytes] of Object.entries(files)) await writeFileAtomic(join(folder, name), bytes);
    await writeShardedSafetensors((name, write) => writeFileAtomic(join(folder, name), write), tensors, {
      metadata,
      signal,
    });
  };
  await replaceFolderAtomic(path, fill, { signal });
}

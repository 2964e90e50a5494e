// A checkpoint folder as Hugging Face's tools lay it out: one model.safetensors, or shards beside their index.
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { HeaderOptions } from '../safetensors/header.ts';
import { openSafetensors, type TensorStore } from '../safetensors/read.ts';
import { indexFileName } from '../safetensors/shard-index.ts';
import { openShardedSafetensors } from '../safetensors/shards-read.ts';
import { openFileReader } from './file-reader.ts';

/**
 * Opens `<baseName>.safetensors` where it exists, otherwise the shards that `<baseName>.safetensors.index.json` names.
 * @param baseName `model` by default
 * @throws FileError when neither exists, and FormatError as `openSafetensors` and `openShardedSafetensors` do
 */
export async function openTensorFolder(
  folder: string,
  options: HeaderOptions & { readonly baseName?: string } = {},
): Promise<TensorStore> {
  const { baseName = 'model' } = options;
  const index = join(folder, indexFileName(baseName));
  const single = join(folder, `${baseName}.safetensors`);
  if ((await exists(single)) || !(await exists(index)))
    return openSafetensors(await openFileReader(single), options);
  return openShardedSafetensors(
    await openFileReader(index),
    (file) => openFileReader(join(folder, file)),
    options,
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * A model folder, as Hugging Face users know it: config.json, model.safetensors (or shards), tokenizer.json. A run
 * folder stands for its newest checkpoint.
 */
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Device, ValueError } from '@qsparse/core';
import type { Tokenizer } from '@qsparse/data';
import { readTokenizer } from '@qsparse/data/node';
import { formatConfig, formatTokenizerJson, writeSafetensors } from '@qsparse/formats';
import { FileError, openFileReader, withFileErrors, writeFileAtomic } from '@qsparse/formats/node';
import type { Decoder } from '@qsparse/layers';
import {
  type FamilyConfig,
  formatModelConfig,
  type ModelFiles,
  readModelConfig as readConfig,
  weightsOf,
} from '@qsparse/models';
import { ADAPTER_WEIGHTS } from '@qsparse/models/lora';
import { checkpointFolders } from '@qsparse/training/node';
import {
  type FromPretrainedOptions,
  fromPretrained as fromAnywhere,
  type LoadedModel,
  loadWith,
  type ModelSource,
} from '../from-pretrained.ts';
import { loadGgufFile } from './gguf-file.ts';

/** The folder that holds the weights: the given one, or the newest checkpoint of a run folder. Throws ValueError. */
export async function resolveModelFolder(path: string): Promise<string> {
  if (await isFile(join(path, 'model.safetensors'))) return path;
  if (await isFile(join(path, 'model.safetensors.index.json'))) return path;
  const newest = (await checkpointFolders(path)).at(-1);
  for (const folder of [path, newest]) {
    if (folder === undefined || !(await isFile(join(folder, ADAPTER_WEIGHTS)))) continue;
    throw new ValueError(
      'model',
      `${folder} holds a LoRA adapter alone`,
      'write it with its base as a model: `qsparse merge`',
    );
  }
  if (newest !== undefined) return newest;
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  throw new ValueError(
    'model',
    exists ? `${path} holds neither model.safetensors nor a checkpoint` : `there is no folder ${path}`,
    'give a model folder or a run folder of `qsparse train`',
  );
}

/** The files of a folder on disk. */
export function folderFiles(folder: string): ModelFiles {
  return {
    name: folder,
    async open(fileName) {
      try {
        return await openFileReader(join(folder, fileName));
      } catch (error) {
        if (error instanceof FileError && error.systemCode === 'ENOENT') return undefined;
        throw error;
      }
    },
  };
}

/** Reads config.json alone. Throws FormatError naming the key. */
export async function readModelConfig(folder: string): Promise<FamilyConfig> {
  return readConfig(folderFiles(folder));
}

/**
 * Loads a model onto a device, with its tokenizer: from a model folder, a run folder (its newest checkpoint), a GGUF file, a file: URL,
 * an http(s) address, or any other source of `fromPretrained` of qsparse. Throws FormatError, TokenizerError or ValueError
 * naming file, key or tensor.
 */
export async function fromPretrained(
  source: ModelSource,
  device: Device,
  options: FromPretrainedOptions = {},
): Promise<LoadedModel> {
  const path = pathOf(source);
  if (path === undefined) return fromAnywhere(source, device, options);
  if (path.endsWith('.gguf')) return loadGgufFile(path, device, options);
  const folder = await resolveModelFolder(path);
  return loadWith(folderFiles(folder), device, options, () => readTokenizer(folder));
}

function pathOf(source: ModelSource): string | undefined {
  if (source instanceof URL) return source.protocol === 'file:' ? fileURLToPath(source) : undefined;
  if (typeof source !== 'string' || /^https?:/i.test(source)) return undefined;
  return source.startsWith('file:') ? fileURLToPath(source) : source;
}

/** Writes a model folder; each file is replaced atomically. */
export async function saveModel(path: string, model: Decoder, tokenizer: Tokenizer): Promise<void> {
  await withFileErrors('save', path, () => mkdir(path, { recursive: true }));
  for (const [name, text] of Object.entries(modelFiles(model, tokenizer))) {
    await writeFileAtomic(join(path, name), text);
  }
  await writeFileAtomic(join(path, 'model.safetensors'), async (sink) => {
    await writeSafetensors(sink, weightsOf(model), { metadata: { format: 'pt' } });
  });
}

/** config.json and tokenizer.json of a model, as text. */
export function modelFiles(model: Decoder, tokenizer: Tokenizer): Record<string, string> {
  return {
    'config.json': formatConfig(formatModelConfig(model.config, tokenizer)),
    'tokenizer.json': formatTokenizerJson(tokenizer.toJson()),
  };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
}

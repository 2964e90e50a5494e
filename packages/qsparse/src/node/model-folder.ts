/**
 * A model folder, as Hugging Face users know it: config.json, model.safetensors (or shards), tokenizer.json. A run
 * folder stands for its newest checkpoint.
 */
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Device, ValueError } from '@qsparse/core';
import type { Tokenizer } from '@qsparse/data';
import { readTokenizer } from '@qsparse/data/node';
import { formatConfig, formatTokenizerJson, parseConfig, writeSafetensors } from '@qsparse/formats';
import { openTensorFolder, readFileBytes, withFileErrors, writeFileAtomic } from '@qsparse/formats/node';
import { createDecoder, type Decoder } from '@qsparse/layers';
import {
  checkWeights,
  type FamilyConfig,
  formatModelConfig,
  loadWeights,
  parseModelConfig,
  weightsOf,
} from '@qsparse/models';
import { checkpointFolders } from '@qsparse/training/node';

export interface LoadedModel {
  readonly model: Decoder;
  readonly tokenizer: Tokenizer;
  /** The folder that was read. */
  readonly folder: string;
}

/** The folder that holds the weights: the given one, or the newest checkpoint of a run folder. Throws ValueError. */
export async function resolveModelFolder(path: string): Promise<string> {
  if (await isFile(join(path, 'model.safetensors'))) return path;
  if (await isFile(join(path, 'model.safetensors.index.json'))) return path;
  const newest = (await checkpointFolders(path)).at(-1);
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

/** Reads config.json alone. Throws FormatError naming the key. */
export async function readModelConfig(folder: string): Promise<FamilyConfig> {
  const path = join(folder, 'config.json');
  return parseModelConfig(parseConfig(await readFileBytes(path), path), path);
}

/** Loads a model onto a device. Throws FormatError or ValueError naming file, key or tensor. */
export async function fromPretrained(
  path: string,
  device: Device,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<LoadedModel> {
  const folder = await resolveModelFolder(path);
  const { decoder } = await readModelConfig(folder);
  const tokenizer = await readTokenizer(folder);
  if (tokenizer.vocabularySize > decoder.vocabularySize) {
    const sizes = `${tokenizer.vocabularySize} tokens, the model's embedding ${decoder.vocabularySize}`;
    throw new ValueError(
      'model',
      `tokenizer.json of ${folder} has ${sizes}`,
      'use the tokenizer that belongs to the weights',
    );
  }
  const store = await openTensorFolder(folder);
  try {
    checkWeights(decoder, store);
    const model = createDecoder(device, decoder);
    await loadWeights(model, store, signal).catch((error: unknown) => {
      model.dispose();
      throw error;
    });
    return { model, tokenizer, folder };
  } finally {
    await store.close();
  }
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
    'config.json': formatConfig(formatModelConfig(model.config, { endOfText: tokenizer.endOfText })),
    'tokenizer.json': formatTokenizerJson(tokenizer.toJson()),
  };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
}

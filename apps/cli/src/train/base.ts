/** The model that a run starts from: anything that convert reads, with its tokenizer, and the optimizer state of a run. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, type PretrainedTokenizer } from '@qsparse/data';
import type { Decoder } from '@qsparse/layers';
import { loadWeights } from '@qsparse/models';
import type { StoredCheckpoint } from '@qsparse/training';
import { openCheckpoint } from '@qsparse/training/node';
import { openSource, type Source, sourceTokenizer } from '../convert/source.ts';
import { SettingError } from './settings.ts';

export interface Base {
  readonly source: Source;
  readonly tokenizer: PretrainedTokenizer;
}

/** Reads all but the weights. Throws SettingError where there is no tokenizer, and what `openSource` throws. */
export async function openBase(path: string): Promise<Base> {
  const source = await openSource(path);
  const tokenizer = await sourceTokenizer(source);
  if (tokenizer) return { source, tokenizer };
  throw new SettingError(
    `[train] ${path} has no tokenizer.json, which a run that starts from it needs; put the model's own beside its weights`,
  );
}

/** Fills a model of the same shapes. Throws FormatError naming the tensor. */
export async function loadBaseWeights(model: Decoder, { source }: Base, signal: AbortSignal): Promise<void> {
  const store = await source.openWeights();
  try {
    await loadWeights(model, store, { ternaryScale: source.ternaryScale, signal });
  } finally {
    await store.close();
  }
}

/** Identity of a base that a run keeps as it is: a resume with another one would learn something else. */
export async function fingerprintBase({ source }: Base): Promise<string> {
  const store = await source.openWeights();
  try {
    const { data } = await store.read('model.norm.weight');
    const { data: first } = await store.read('model.layers.0.input_layernorm.weight');
    return [data, first]
      .map(({ buffer, byteOffset, byteLength }) =>
        fingerprint(Int32Array.from(new Uint8Array(buffer, byteOffset, byteLength))),
      )
      .join('-');
  } finally {
    await store.close();
  }
}

/** The checkpoint that the base is, where it holds optimizer state; closed by the caller. */
export async function checkpointOfBase({ source }: Base): Promise<StoredCheckpoint | undefined> {
  const isCheckpoint = ['optimizer.safetensors', 'training.json'].every((name) =>
    existsSync(join(source.name, name)),
  );
  return isCheckpoint ? openCheckpoint(source.name) : undefined;
}

/** Options of the commands that load a model, and the loading: a folder, a run, a GGUF file, owner/name on the hub, or the showcase. */
import { stat } from 'node:fs/promises';
import { type Device, ValueError } from '@qsparse/core';
import { FormatError } from '@qsparse/formats';
import { packDecoder, packsFaster } from '@qsparse/layers';
import type { ModelFiles } from '@qsparse/models';
import type { LoadedModel } from 'qsparse';
import { cachedHubFiles, fromPretrained, isHubName } from 'qsparse/node';
import { type Arguments, integerFlag, type Option, UsageError } from './command.ts';
import { SHOWCASE, showcaseModel } from './showcase.ts';

/** Of a model that may come from the Hugging Face Hub. */
export const HUB_OPTIONS: Readonly<Record<'revision' | 'hub-token' | 'cache', Option>> = {
  revision: {
    type: 'string',
    value: 'R',
    help: 'of owner/name on the hub: branch, tag or commit (default main)',
  },
  'hub-token': { type: 'string', value: 'T', help: 'for models that are not public (default $HF_TOKEN)' },
  cache: { type: 'string', value: 'DIR', help: "for downloaded models (default: Hugging Face's own folder)" },
};

export const MODEL_OPTIONS: Readonly<
  Record<'context-length' | 'dense-decode' | 'int8-vocabulary' | keyof typeof HUB_OPTIONS, Option>
> = {
  'context-length': {
    type: 'string',
    value: 'N',
    help: "most tokens of a text, memory is taken for so many (default: the model's own)",
  },
  'dense-decode': {
    type: 'boolean',
    help: 'compute every token with all weights, also where skipping channels is faster',
  },
  'int8-vocabulary': {
    type: 'boolean',
    help: 'round embedding and head to int8, which reads a quarter of their bytes for each token and is not exact',
  },
  ...HUB_OPTIONS,
};

export interface HubFlags {
  readonly revision: string | undefined;
  readonly accessToken: string | undefined;
  readonly cache: string | undefined;
}

export interface ModelFlags extends HubFlags {
  readonly contextLength: number | undefined;
  readonly denseDecode: boolean;
  readonly int8Vocabulary?: boolean | undefined;
}

/** Throws UsageError naming the option. */
export function hubFlags(command: string, { flags }: Arguments): HubFlags {
  const text = (name: string): string | undefined => {
    const value = flags[name];
    if (value === '') throw new UsageError(`[${command}] --${name} takes a text that is not empty`);
    return value as string | undefined;
  };
  return {
    revision: text('revision'),
    accessToken: text('hub-token') ?? (process.env.HF_TOKEN || undefined),
    cache: text('cache'),
  };
}

/** Throws UsageError naming the option. */
export function modelFlags(command: string, args: Arguments): ModelFlags {
  const contextLength = integerFlag(command, 'context-length', args.flags['context-length'], { min: 1 });
  const [denseDecode, int8Vocabulary] = ['dense-decode', 'int8-vocabulary'].map(
    (name) => args.flags[name] === true,
  );
  if (denseDecode && int8Vocabulary)
    throw new UsageError(`[${command}] --int8-vocabulary is for packed weights, which --dense-decode leaves`);
  return { ...hubFlags(command, args), contextLength, denseDecode: denseDecode!, int8Vocabulary };
}

export interface OpenOptions {
  readonly signal: AbortSignal;
  /** Takes one line for people. */
  note(line: string): void;
}

/** Files of a model that is given by name: undefined for a path on this disk. Throws as `cachedHubFiles`, `showcaseModel`. */
export async function namedFilesOf(
  path: string,
  flags: HubFlags,
  { signal, note }: OpenOptions,
): Promise<ModelFiles | undefined> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (exists || !isHubName(path)) {
    const useless = flags.revision === undefined ? flags.cache !== undefined && '--cache' : '--revision';
    if (useless)
      throw new UsageError(`[model] ${useless} is for models on the hub, ${path} is none; leave it out`);
    return path === SHOWCASE && !exists ? showcaseModel() : undefined;
  }
  let said = '';
  const onDownload = ({ file, totalBytes }: { readonly file: string; readonly totalBytes: number }): void => {
    if (said !== file) note(`downloading ${path}/${file} (${(totalBytes / 2 ** 20).toFixed(1)} MiB)`);
    said = file;
  };
  try {
    return await cachedHubFiles(path, { ...flags, signal, onDownload });
  } catch (error) {
    // A path that was mistyped looks like a name too.
    if (error instanceof FormatError || error instanceof ValueError)
      note(`there is no folder ${path} here, so it was looked for on the Hugging Face Hub`);
    throw error;
  }
}

/**
 * Loads a model with its tokenizer, and packs what tokens are computed with where that is faster on this device. Throws as
 * `fromPretrained`.
 */
export async function openModel(
  path: string,
  device: Device,
  { contextLength, denseDecode, int8Vocabulary = false, ...hub }: ModelFlags,
  options: OpenOptions,
): Promise<LoadedModel> {
  const files = await namedFilesOf(path, hub, options);
  const { signal } = options;
  const loaded = await fromPretrained(files ?? path, device, { contextLength, signal });
  if (loaded.model.packed) {
    // Stored so: there is nothing else to compute with.
    if (!denseDecode && !int8Vocabulary) return loaded;
    loaded.model.dispose();
    throw new UsageError(
      `[model] ${path} holds packed weights alone, which --${denseDecode ? 'dense-decode' : 'int8-vocabulary'} cannot change; leave it out, or give the model that they were exported from`,
    );
  }
  const packs = !denseDecode && packsFaster(loaded.model);
  if (int8Vocabulary && !packs) {
    loaded.model.dispose();
    throw new UsageError(
      `[model] --int8-vocabulary is for models that device ${device.name} computes from packed weights, ${path} is none; see \`doctor\``,
    );
  }
  if (packs) {
    const vocabulary = int8Vocabulary ? 'int8' : undefined;
    try {
      loaded.model.packed = await packDecoder(loaded.model, { vocabulary, signal });
    } catch (error) {
      loaded.model.dispose();
      throw error;
    }
  }
  return loaded;
}

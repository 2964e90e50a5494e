/** What a run has when its first step begins: a model with weights, data, and the files of its checkpoints. */
import { join } from 'node:path';
import type { Device } from '@qsparse/core';
import { readTokenizer } from '@qsparse/data/node';
import { FormatError, formatConfig, type TensorStore } from '@qsparse/formats';
import { createDecoder, type Decoder, initialize, withLora } from '@qsparse/layers';
import { ADAPTER_CONFIG, formatAdapterConfig } from '@qsparse/models/lora';
import { checkMoments } from '@qsparse/training';
import { checkpointFolders } from '@qsparse/training/node';
import { modelFiles } from 'qsparse/node';
import { type Base, checkpointOfBase, fingerprintBase, loadBaseWeights, openBase } from './base.ts';
import { readCorpus } from './corpus.ts';
import { type RunData, stepsOf, textData } from './data.ts';
import { computeDType, continuedConfig, decoderConfig, loraOptions } from './model.ts';
import type { Progress } from './progress.ts';
import type { RunOptions } from './run.ts';
import { REFERENCE } from './run-folder.ts';
import type { Settings } from './settings.ts';
import { readPreferenceData, readTuningData } from './tuning-data.ts';

export interface Prepared {
  readonly model: Decoder;
  readonly data: RunData;
  /** What the run starts from; undefined for one from scratch. */
  readonly base: Base | undefined;
  /** Of every checkpoint, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** With the number of steps that the data decides. */
  readonly settings: Settings;
}

/** Reads before it computes, so that what is wrong is said early. Throws what reading throws, and the signal's reason. */
export async function prepare(opened: Device, options: RunOptions): Promise<Prepared> {
  const { folder, resume, signal } = options;
  const newest = resume ? (await checkpointFolders(folder.path)).at(-1) : undefined;
  const adapter = loraOptions(options.settings);
  const base = await baseOf(options.settings, newest, adapter !== undefined);
  const data = await readData(options, base, newest, adapter !== undefined);
  const settings = { ...options.settings, steps: stepsOf(data, options.settings) };
  const config = base
    ? continuedConfig(base.source.decoder, settings)
    : decoderConfig(settings, data.tokenizer.vocabularySize);
  const compute = computeDType(settings, opened);
  const whole = createDecoder(opened, config, { compute, gradients: adapter === undefined });
  if (base && (adapter || !newest)) await loadBaseWeights(whole, base, signal);
  else if (!newest) initialize(whole, settings.seed);
  const model = adapter ? withLora(whole, adapter, settings.seed) : whole;
  const files = {
    ...tokenizerTexts(base),
    ...modelFiles(model, data.tokenizer),
    ...data.files,
    ...(adapter && { [ADAPTER_CONFIG]: formatConfig(formatAdapterConfig(adapter, settings.init)) }),
  };
  return { model, data, base, files, settings };
}

/** A checkpoint has all that the base gave, but for the weights that an adapter leaves as they are. */
async function baseOf(
  { init }: Settings,
  newest: string | undefined,
  hasAdapter: boolean,
): Promise<Base | undefined> {
  if (init === '') return undefined;
  return openBase(newest !== undefined && !hasAdapter ? newest : init);
}

async function readData(
  { settings, data: files, folder, resume, signal }: RunOptions,
  base: Base | undefined,
  newest: string | undefined,
  hasAdapter: boolean,
): Promise<RunData> {
  const identity = base && hasAdapter ? `-${await fingerprintBase(base)}` : '';
  if (!base || settings.task === 'text') {
    const known = newest === undefined ? base?.tokenizer : await readTokenizer(newest);
    return textData(await readCorpus(files, settings, { tokenizer: known, signal }), settings, identity);
  }
  const { tokenizer } = base;
  const options = { settings, tokenizer, identity, resumed: newest !== undefined && !hasAdapter, signal };
  if (settings.task === 'sft') return readTuningData(files, options);
  const referencePath = join(folder.path, REFERENCE);
  return readPreferenceData(files, { ...options, referencePath, resume: resume && newest !== undefined });
}

/** What the base's files say of its tokenizer, so that a checkpoint says it too. */
function tokenizerTexts(base: Base | undefined): Record<string, string> {
  const decoder = new TextDecoder();
  const files = Object.entries(base?.source.tokenizer ?? {});
  return Object.fromEntries(files.map(([name, bytes]) => [name, decoder.decode(bytes)]));
}

export interface EarlierMoments {
  readonly store: TensorStore;
  readonly updates: number;
  close(): Promise<void>;
}

/** The optimizer state of the run that the base is, where it is there, fits and is wanted. */
export async function earlierMoments(
  base: Base,
  model: Decoder,
  settings: Settings,
  progress: Progress,
): Promise<EarlierMoments | undefined> {
  if (!settings['keep-optimizer'] || settings['lora-rank'] > 0) return undefined;
  const checkpoint = await checkpointOfBase(base);
  if (!checkpoint) return undefined;
  const { moments: store, state } = checkpoint;
  try {
    checkMoments(model.arena, store);
  } catch (error) {
    await checkpoint.close();
    if (!(error instanceof FormatError)) throw error;
    progress.note(`optimizer  begins anew: that of ${checkpoint.name} does not fit (${error.message})`);
    return undefined;
  }
  const updates = state.step + (state.earlierUpdates ?? 0);
  progress.note(`optimizer  goes on from ${checkpoint.name}, after ${updates} updates`);
  return { store, updates, close: () => checkpoint.close() };
}

/** One training run from settings to a trained model in its folder. Prints through `progress`; decides no arguments. */
import type { Device } from '@qsparse/core';
import { evaluationBatches, type Tokenizer } from '@qsparse/data';
import { readTokenizer } from '@qsparse/data/node';
import { FileError } from '@qsparse/formats/node';
import { createDecoder, type Decoder, initialize, shareLeftOut } from '@qsparse/layers';
import { generate } from '@qsparse/models';
import { type ScheduleOptions, type TrainStep, textBatches, train } from '@qsparse/training';
import { checkpointFolders, folderStore } from '@qsparse/training/node';
import { trainableDecoder } from 'qsparse';
import { modelFiles } from 'qsparse/node';
import type { DeviceFlags } from '../command.ts';
import { openDevice } from '../open-device.ts';
import { type Corpus, readCorpus } from './corpus.ts';
import { computeDType, decoderConfig } from './model.ts';
import type { Progress } from './progress.ts';
import { describeEnd, describeRun, resumeCommand } from './report.ts';
import type { RunFolder } from './run-folder.ts';
import { formatRunYaml } from './run-yaml.ts';
import { SettingError, type Settings } from './settings.ts';

export interface RunOptions {
  readonly settings: Settings;
  /** Files, or `bundled`. */
  readonly data: readonly string[];
  readonly folder: RunFolder;
  readonly resume: boolean;
  readonly device: DeviceFlags;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Trains to the end, or until the signal with everything saved. Throws the signal's reason where it came before the
 * first step.
 */
export async function runTraining(options: RunOptions): Promise<'done' | 'stopped'> {
  const { progress } = options;
  const opened = await openDevice(options.device, (line) => progress.note(line));
  try {
    progress.report(
      'run',
      { path: options.folder.path, device: opened.name, description: opened.description },
      `device     ${opened.name}: ${opened.description}`,
    );
    return await trainOn(opened, options);
  } finally {
    progress.end();
    opened.dispose();
  }
}

async function trainOn(opened: Device, options: RunOptions): Promise<'done' | 'stopped'> {
  const { settings, data, folder, resume, progress, signal } = options;
  const known = resume ? await tokenizerOfRun(folder.path) : undefined;
  const corpus = await readCorpus(data, settings, { tokenizer: known, signal });
  checkCorpus(corpus, settings);
  const { tokenizer } = corpus;
  const compute = computeDType(settings, opened);
  const model = createDecoder(opened, decoderConfig(settings, tokenizer.vocabularySize), { compute });
  initialize(model, settings.seed);
  describeRun(model, corpus, settings, progress);

  const store = folderStore(folder.path, { files: modelFiles(model, tokenizer) });
  const stored = resume ? await store.latest() : undefined;
  await stored?.close();
  if (resume && !stored) progress.note('the run has no checkpoint yet: it begins again');
  const yaml = formatRunYaml(settings, data);
  if (!resume) await folder.writeSettings(yaml);

  let last: TrainStep | undefined;
  const rows = { batchSize: settings.batch, rowLength: settings.context };
  const steps = train({
    model: trainableDecoder(model),
    batches: textBatches(corpus.train, { ...rows, seed: settings.seed }),
    schedule: scheduleOf(settings),
    optimizer: { beta1: settings.beta1, beta2: settings.beta2 },
    accumulation: settings.accumulation,
    clipNorm: settings.clip,
    sparsity: {
      target: shareLeftOut(model.config.linear.sparsity),
      warmupSteps: settings['sparsity-warmup'],
    },
    validation: {
      every: settings['validate-every'],
      batches: evaluationBatches(corpus.validation, { ...rows, maxBatches: settings['validation-batches'] }),
    },
    checkpoints: { every: settings['save-every'], store },
    resume: stored !== undefined,
    signal,
  });
  try {
    for await (const step of steps) {
      if (resume && last === undefined) {
        // Not before: a resume that is refused changes nothing.
        await folder.writeSettings(yaml);
        await folder.metrics.rewind(step.step - 1);
      }
      last = step;
      await folder.metrics.append(step);
      progress.step(step);
      const sampleEvery = settings['sample-every'];
      const finished = step.step === settings.steps;
      if (sampleEvery > 0 && (finished || step.step % sampleEvery === 0))
        await reportSample(model, tokenizer, step.step, finished ? 160 : 48, settings, options);
    }
  } catch (error) {
    progress.end();
    if (last && error instanceof FileError && (await checkpointFolders(folder.path)).length > 0)
      progress.note(`the last checkpoint is intact; go on with\n  ${resumeCommand(folder.path)}`);
    throw error;
  }
  progress.end();
  if (last) {
    const losses = await folder.metrics.losses();
    const stopped = last.step < settings.steps;
    await describeEnd(model, corpus, settings, { path: folder.path, last, losses, stopped }, progress);
    return stopped ? 'stopped' : 'done';
  }
  signal.throwIfAborted();
  const line = `nothing to do: the run has its ${settings.steps} steps; give more with --steps`;
  progress.report('done', { path: folder.path, step: stored?.state.step }, line);
  return 'done';
}

/** What a run needs of its text. Throws SettingError in the words of the settings. */
function checkCorpus({ train: trained, validation, tokenizer }: Corpus, settings: Settings): void {
  const { context, 'sample-prompt': prompt } = settings;
  for (const [part, { length }] of Object.entries({ train: trained, validation })) {
    if (length > context) continue;
    throw new SettingError(
      `[train] the ${part} part of the text has ${length} tokens, a row of context ${context} needs ${context + 1}; give more text, a smaller --context${part === 'validation' ? ' or a larger --validation' : ''}`,
    );
  }
  const { length } = tokenizer.encode(prompt);
  if (length > 0 && length <= context) return;
  throw new SettingError(
    `[train] sample-prompt must have 1 to ${context} tokens, as many as the context, got ${length}`,
  );
}

/** A text by the model as it is: short on the way, longer at the end. */
async function reportSample(
  model: Decoder,
  tokenizer: Tokenizer,
  step: number,
  maxTokens: number,
  { 'sample-prompt': prompt }: Settings,
  { progress, signal }: Pick<RunOptions, 'progress' | 'signal'>,
): Promise<void> {
  let text = '';
  const stopTokens = [tokenizer.endOfText];
  for await (const piece of generate(model, tokenizer, prompt, { maxTokens, stopTokens, signal }))
    text += piece;
  if (signal.aborted) return;
  const line = `${prompt}${text}`.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  progress.report('sample', { step, prompt, text }, `sample     ${line}`);
}

async function tokenizerOfRun(path: string): Promise<Tokenizer | undefined> {
  const newest = (await checkpointFolders(path)).at(-1);
  return newest === undefined ? undefined : readTokenizer(newest);
}

function scheduleOf(settings: Settings): ScheduleOptions {
  const { steps, 'second-peak': secondPeak } = settings;
  return {
    kind: settings.schedule,
    steps,
    warmupSteps: Math.min(settings.warmup, steps),
    peak: settings['learning-rate'],
    finalShare: settings['final-share'],
    ...(secondPeak > 0 && { secondPeak }),
    stageShare: settings['stage-share'],
    weightDecay: settings['weight-decay'],
  };
}

/** One training run from settings to a trained model in its folder. Prints through `progress`; decides no arguments. */
import type { Device } from '@qsparse/core';
import { FileError } from '@qsparse/formats/node';
import { type Decoder, shareLeftOut } from '@qsparse/layers';
import { generate } from '@qsparse/models';
import { ADAPTER_WEIGHTS } from '@qsparse/models/lora';
import {
  combinedReporter,
  type Reporter,
  type ScheduleOptions,
  type StepEntry,
  train,
} from '@qsparse/training';
import { checkpointFolders, folderStore, tensorboardReporter } from '@qsparse/training/node';
import { trainableDecoder } from 'qsparse';
import type { DeviceFlags } from '../command.ts';
import { openDevice } from '../open-device.ts';
import type { RunData } from './data.ts';
import { reportWeights, stepDiagnostics } from './diagnostics.ts';
import { loraOptions } from './model.ts';
import { earlierMoments, prepare } from './prepare.ts';
import type { Progress } from './progress.ts';
import { describeEnd, describeRun, resumeCommand } from './report.ts';
import type { RunFolder } from './run-folder.ts';
import { formatRunYaml } from './run-yaml.ts';
import type { Settings } from './settings.ts';

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
  const { folder, resume, progress, signal } = options;
  const { model, data, base, files, settings } = await prepare(opened, options);
  describeRun(model, data, settings, progress);
  for (const line of data.notes) progress.note(line);
  progress.expect(settings.steps);

  const adapter = loraOptions(settings);
  const store = folderStore(folder.path, { files, ...(adapter && { weightsFile: ADAPTER_WEIGHTS }) });
  const stored = resume ? await store.latest() : undefined;
  await stored?.close();
  if (resume && !stored) progress.note('the run has no checkpoint yet: it begins again');
  const yaml = formatRunYaml(settings, options.data);
  if (!resume) await folder.writeSettings(yaml);
  const earlier = base && !stored ? await earlierMoments(base, model, settings, progress) : undefined;
  const batches = await data.batches(model);
  const diagnostics = stepDiagnostics(model, batches.train, data, settings);

  let last: StepEntry | undefined;
  let reporter: Reporter | undefined;
  const steps = train({
    model: trainableDecoder(model, {
      recomputeBlocks: settings.recompute,
      ...(settings.task === 'dpo' && { preferenceBeta: settings['dpo-beta'] }),
    }),
    batches: diagnostics.batches,
    schedule: scheduleOf(settings),
    optimizer: { beta1: settings.beta1, beta2: settings.beta2, ema: settings.ema },
    accumulation: settings.accumulation,
    clipNorm: settings.clip,
    sparsity: {
      target: shareLeftOut(model.config.linear.sparsity),
      warmupSteps: settings['sparsity-warmup'],
    },
    validation: { every: settings['validate-every'], batches: batches.validation },
    checkpoints: { every: settings['save-every'], store },
    resume: stored !== undefined,
    moments: earlier,
    signal,
  });
  try {
    for await (const update of steps) {
      const step = await diagnostics.entryOf(update);
      if (resume && last === undefined) {
        // Not before: a resume that is refused changes nothing.
        await folder.writeSettings(yaml);
        await folder.metrics.rewind(step.step - 1);
      }
      last = step;
      reporter ??= reporterOf(options, settings, step);
      await reporter.step(step);
      await reportWeights(model.arena, step, reporter, settings);
      progress.step(step);
      const sampleEvery = settings['sample-every'];
      const finished = step.step === settings.steps;
      if (sampleEvery > 0 && (finished || step.step % sampleEvery === 0))
        await reportSample(model, data, step.step, finished ? 160 : 48, settings, { ...options, reporter });
    }
  } catch (error) {
    progress.end();
    if (last && error instanceof FileError && (await checkpointFolders(folder.path)).length > 0)
      progress.note(`the last checkpoint is intact; go on with\n  ${resumeCommand(folder.path)}`);
    throw error;
  } finally {
    await earlier?.close();
    await reporter?.close();
  }
  progress.end();
  if (last) {
    const losses = await folder.metrics.losses();
    const stopped = last.step < settings.steps;
    await describeEnd(model, data, settings, { path: folder.path, last, losses, stopped }, progress);
    return stopped ? 'stopped' : 'done';
  }
  signal.throwIfAborted();
  const line = `nothing to do: the run has its ${settings.steps} steps; give more with --steps`;
  progress.report('done', { path: folder.path, step: stored?.state.step }, line);
  return 'done';
}

/** metrics.jsonl, and TensorBoard's events from this step on. */
function reporterOf(
  { folder, resume, progress }: RunOptions,
  { tensorboard }: Settings,
  { step }: StepEntry,
): Reporter {
  if (!tensorboard) return folder.metrics;
  const events = tensorboardReporter(folder.path, {
    resumedAt: resume ? step : undefined,
    onFailure: ({ message }) => progress.note(`${message}; the run goes on, TensorBoard will miss steps`),
  });
  return combinedReporter([folder.metrics, events]);
}

/** A text by the model as it is: short on the way, longer at the end. */
async function reportSample(
  model: Decoder,
  { tokenizer, samplePrompt, stopTokens }: RunData,
  step: number,
  maxTokens: number,
  { 'sample-prompt': prompt }: Settings,
  { progress, signal, reporter }: Pick<RunOptions, 'progress' | 'signal'> & { readonly reporter: Reporter },
): Promise<void> {
  let text = '';
  for await (const piece of generate(model, tokenizer, samplePrompt, { maxTokens, stopTokens, signal }))
    text += piece;
  if (signal.aborted) return;
  const line = `${prompt}${text}`.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  progress.report('sample', { step, prompt, text }, `sample     ${line}`);
  await reporter.text?.('sample', `${prompt}${text}`, step);
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

/** One training run from settings to a trained model in its folder. Prints through `progress`; decides no arguments. */
import { join } from 'node:path';
import { tensor } from '@qsparse/core';
import { evaluationBatches, type Tokenizer } from '@qsparse/data';
import { readTokenizer } from '@qsparse/data/node';
import { countParameters, createDecoder, type Decoder, initialize, measureSparsity } from '@qsparse/layers';
import { generate } from '@qsparse/models';
import { type ScheduleOptions, type TrainStep, textBatches, train } from '@qsparse/training';
import { checkpointFolders, folderStore } from '@qsparse/training/node';
import { type DeviceName, device, trainableDecoder } from 'qsparse';
import { modelFiles } from 'qsparse/node';
import { PROGRAM } from '../command.ts';
import { readCorpus } from './corpus.ts';
import { lossCurve } from './loss-curve.ts';
import { decoderConfig, targetSparsity } from './model.ts';
import type { Progress } from './progress.ts';
import type { RunFolder } from './run-folder.ts';
import { formatRunYaml } from './run-yaml.ts';
import type { Settings } from './settings.ts';

export interface RunOptions {
  readonly settings: Settings;
  readonly data: readonly string[];
  readonly folder: RunFolder;
  readonly resume: boolean;
  readonly device: DeviceName;
  readonly threads: number | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export async function runTraining(options: RunOptions): Promise<void> {
  const { settings, folder, resume, progress, signal } = options;
  const opened = await device(options.device, { threads: options.threads });
  try {
    progress.note(`device     ${opened.name}: ${opened.description}`);
    const known = resume ? await tokenizerOfRun(folder.path) : undefined;
    const corpus = await readCorpus(options.data, settings, { tokenizer: known, signal });
    const { tokenizer } = corpus;
    const model = createDecoder(opened, decoderConfig(settings, tokenizer.vocabularySize));
    initialize(model, settings.seed);
    if (!resume) await folder.writeText('run.yaml', formatRunYaml(settings, options.data));
    describe(model, corpus.train.length, settings, progress);
    const rows = { batchSize: settings.batch, rowLength: settings.context };
    const evaluation = evaluationBatches(corpus.validation, {
      ...rows,
      maxBatches: settings['validation-batches'],
    });
    const store = folderStore(folder.path, { files: modelFiles(model, tokenizer) });
    const losses: number[] = [];
    let last: TrainStep | undefined;
    const steps = train({
      model: trainableDecoder(model),
      batches: textBatches(corpus.train, { ...rows, seed: settings.seed }),
      schedule: scheduleOf(settings),
      optimizer: { beta2: settings.beta2 },
      accumulation: settings.accumulation,
      clipNorm: settings.clip,
      sparsity: {
        target: targetSparsity(model.config.linear.sparsity),
        warmupSteps: settings['sparsity-warmup'],
      },
      validation: { every: settings['validate-every'], batches: evaluation },
      checkpoints: { every: settings['save-every'], store },
      resume,
      signal,
    });
    for await (const step of steps) {
      if (last === undefined && resume) await folder.rewindMetrics(step.step - 1);
      last = step;
      losses.push(step.loss);
      folder.logMetrics(step);
      progress.step(step);
      if (settings['sample-every'] > 0 && step.step % settings['sample-every'] === 0 && !signal.aborted) {
        progress.note(await sampleText(model, tokenizer, settings['sample-prompt']));
      }
    }
    progress.end();
    if (last) await finish(model, corpus, last, losses, options);
    else progress.note(`nothing to do: the run has its ${settings.steps} steps; give more with --steps`);
    model.dispose();
  } finally {
    opened.dispose();
  }
}

function describe(model: Decoder, tokens: number, settings: Settings, progress: Progress): void {
  const { total, linear } = countParameters(model.config);
  const { config } = model;
  const selection = config.linear.sparsity;
  const chosen =
    selection.kind === 'dense'
      ? 'dense'
      : selection.kind === 'block'
        ? `${selection.keep} of every ${selection.block} inputs`
        : `${Math.round(100 * (1 - selection.sparsity))} % of the inputs`;
  const seen = settings.steps * settings.batch * settings.accumulation * settings.context;
  progress.note(
    `model      ${millions(total)} parameters, ${millions(linear)} of them in ${config.linear.weights} linear layers that see ${chosen}`,
  );
  progress.note(
    `text       ${millions(tokens)} tokens to train on, ${millions(seen)} in ${settings.steps} steps; vocabulary ${config.vocabularySize}`,
  );
  progress.note(
    `memory     ${(model.device.memory().live / 2 ** 20).toFixed(0)} MiB for parameters and gradients, as much again for the optimizer, plus one step's activations`,
  );
}

async function finish(
  model: Decoder,
  { validation, bytes, train: trained }: Awaited<ReturnType<typeof readCorpus>>,
  last: TrainStep,
  losses: readonly number[],
  { folder, progress, settings, signal }: RunOptions,
): Promise<void> {
  for (const line of lossCurve(losses)) progress.note(line);
  const length = Math.min(settings.context, validation.length);
  const tokens = tensor(model.device, Int32Array.from(validation.subarray(0, length)), [1, length], 'i32');
  const { overall, sites } = await measureSparsity(model, tokens);
  tokens.dispose();
  const perSite = new Map<string, number[]>();
  for (const [site, share] of sites) {
    const name = site.split('.').at(-1)!;
    perSite.set(name, [...(perSite.get(name) ?? []), share]);
  }
  const shares = [...perSite].map(
    ([name, values]) => `${name} ${percent(values.reduce((sum, value) => sum + value, 0) / values.length)}`,
  );
  progress.note(
    `sparsity   ${percent(overall)} of the inputs of linear layers are zero, weighted by parameters (${shares.join(', ')})`,
  );
  if (last.validationLoss !== undefined) {
    const bytesPerToken = bytes / (trained.length + validation.length);
    progress.note(
      `validation ${last.validationLoss.toFixed(4)} nats a token, ${(last.validationLoss / Math.LN2 / bytesPerToken).toFixed(4)} bits a byte`,
    );
  }
  if (signal.aborted) {
    progress.note(`stopped after step ${last.step}; go on with\n  ${PROGRAM} train --resume ${folder.path}`);
    return;
  }
  progress.note(
    [
      'next',
      `  ${PROGRAM} generate ${folder.path} --prompt "${settings['sample-prompt']}"`,
      `  ${PROGRAM} inspect ${folder.path}`,
      `  ${PROGRAM} train --resume ${folder.path} --steps ${2 * settings.steps}`,
    ].join('\n'),
  );
}

/** A short text by the model as it is. */
async function sampleText(model: Decoder, tokenizer: Tokenizer, prompt: string): Promise<string> {
  let text = prompt;
  for await (const piece of generate(model, tokenizer, prompt, {
    maxTokens: 48,
    temperature: 0.8,
    stopTokens: [tokenizer.endOfText],
  }))
    text += piece;
  return `sample     ${text.replaceAll(/\s+/g, ' ').trim()}`;
}

async function tokenizerOfRun(path: string): Promise<Tokenizer | undefined> {
  const newest = (await checkpointFolders(path)).at(-1);
  return newest ? readTokenizer(join(newest, 'tokenizer.json')) : undefined;
}

function scheduleOf(settings: Settings): ScheduleOptions {
  return {
    kind: settings.schedule as ScheduleOptions['kind'],
    steps: settings.steps,
    warmupSteps: Math.min(settings.warmup, settings.steps),
    peak: settings['learning-rate'],
    finalShare: settings['final-share'],
    weightDecay: settings['weight-decay'],
  };
}

const millions = (value: number): string =>
  value >= 1e6 ? `${(value / 1e6).toFixed(2)} M` : `${(value / 1e3).toFixed(0)} k`;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

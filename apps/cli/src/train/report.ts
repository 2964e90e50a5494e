/** What a run says at its start and at its end. */
import { tensor } from '@qsparse/core';
import type { Tokens } from '@qsparse/data';
import { countParameters, type Decoder, measureSparsity, type Sparsity } from '@qsparse/layers';
import type { TrainStep } from '@qsparse/training';
import { PROGRAM } from '../command.ts';
import { sparsityInWords } from '../sparsity-in-words.ts';
import { lossCurve, SCALE_WIDTH } from './loss-curve.ts';
import type { Progress } from './progress.ts';
import type { Settings } from './settings.ts';

/** What a report says of the data. */
export interface RunText {
  /** Tokens to train on. */
  readonly train: { readonly length: number };
  /** Tokens that are held back, for the measured sparsity. */
  readonly validation: Tokens;
  /** UTF-8 bytes a token, where the data is a text. */
  readonly bytesPerToken?: number | undefined;
  /** What a validation loss counts; default `a token`. */
  readonly unit?: string | undefined;
}

/** Size of the model, of the text and of the memory. */
export function describeRun(model: Decoder, corpus: RunText, settings: Settings, progress: Progress): void {
  const { config, device } = model;
  const parameters = countParameters(config);
  const trainedTokens = settings.steps * settings.batch * settings.accumulation * settings.context;
  const { live } = device.memory();
  const isAdapted = settings['lora-rank'] > 0;
  const optimizerBytes = isAdapted ? 2 * 4 * model.arena.values.size : live;
  const optimizer = isAdapted ? mebibytes(optimizerBytes) : 'as much again';
  const tokens = { train: corpus.train.length, validation: corpus.validation.length, run: trainedTokens };
  progress.report(
    'model',
    { parameters, tokens, vocabulary: config.vocabularySize, modelBytes: live, optimizerBytes },
    `model      ${short(parameters.total)} parameters, ${short(parameters.linear)} of them in ${config.linear.weights} linear layers that see ${inWords(config.linear.sparsity)}`,
    `text       ${short(tokens.train)} tokens to train on, ${short(tokens.run)} in ${settings.steps} steps; vocabulary ${config.vocabularySize}`,
    `memory     ${mebibytes(live)} for parameters and gradients, ${optimizer} for the optimizer, plus the activations of a step`,
  );
}

export interface RunEnd {
  readonly path: string;
  readonly last: TrainStep;
  /** Of the whole run. */
  readonly losses: readonly number[];
  readonly stopped: boolean;
}

/** Loss curve, sparsity, validation, and the next commands to type. */
export async function describeEnd(
  model: Decoder,
  corpus: RunText,
  settings: Settings,
  { path, last, losses, stopped }: RunEnd,
  progress: Progress,
): Promise<void> {
  const width = Math.min(64, progress.columns - SCALE_WIDTH - 1);
  for (const line of lossCurve(losses, { width })) progress.note(line);
  const { overall, sites } = await sparsityOn(model, corpus, settings);
  const resume = resumeCommand(path);
  const { validationLoss } = last;
  const { bytesPerToken, unit = 'a token' } = corpus;
  const bits = validationLoss && bytesPerToken && validationLoss / Math.LN2 / bytesPerToken;
  const lines = [
    sparsityInWords(overall, sites),
    ...(validationLoss
      ? [
          `validation ${validationLoss.toFixed(4)} nats ${unit}${bits ? `, ${bits.toFixed(4)} bits a byte` : ''}`,
        ]
      : []),
    ...(stopped
      ? [`stopped after step ${last.step}, saved; go on with`, `  ${resume}`]
      : [
          'next',
          ...(settings['lora-rank'] > 0
            ? [`  ${PROGRAM} merge ${quoted(path)} ${quoted(`${path}-merged`)}`]
            : [
                `  ${PROGRAM} generate ${quoted(path)} --prompt ${quoted(settings['sample-prompt'])}`,
                `  ${PROGRAM} inspect ${quoted(path)}`,
              ]),
          `  ${resume} --steps ${2 * settings.steps}`,
        ]),
  ];
  progress.report(
    stopped ? 'stopped' : 'done',
    {
      path,
      step: last.step,
      sparsity: { overall, sites: Object.fromEntries(sites) },
      validationLoss,
      bitsPerByte: bits,
      resume,
    },
    ...lines,
  );
}

async function sparsityOn(model: Decoder, { validation }: RunText, { context }: Settings) {
  const length = Math.min(context, validation.length);
  const tokens = tensor(model.device, Int32Array.from(validation.subarray(0, length)), [1, length], 'i32');
  const report = await measureSparsity(model, tokens);
  tokens.dispose();
  return report;
}

function inWords(sparsity: Sparsity): string {
  if (sparsity.kind === 'dense') return 'all inputs';
  if (sparsity.kind === 'relu') return 'the inputs above 0';
  if (sparsity.kind === 'block') return `${sparsity.keep} of every ${sparsity.block} inputs`;
  return `${Math.round(100 * (1 - sparsity.sparsity))} % of the inputs`;
}

/** What the user types to go on. */
export const resumeCommand = (path: string): string => `${PROGRAM} train --resume ${quoted(path)}`;

/** As a shell takes it. */
function quoted(text: string): string {
  if (/^[\w./:@%+,=-]+$/.test(text)) return text;
  return /["$`\\!]/.test(text) ? `'${text.replaceAll("'", "'\\''")}'` : `"${text}"`;
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const short = (value: number): string => {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(0)} k` : String(value);
};

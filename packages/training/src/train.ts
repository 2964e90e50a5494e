/**
 * The training loop: an async iterator that yields after every update. It logs nothing and stops nowhere by itself; the
 * caller decides what to print and when to break.
 */
import { type Captured, createPauses, ValueError } from '@qsparse/core';
import type { TensorStore } from '@qsparse/formats';
import { type CheckpointStore, checkpointTensors, restore, restoreMoments } from './checkpoint.ts';
import { meanLoss } from './evaluate.ts';
import { nonFiniteStep, requireFiniteWeights } from './non-finite.ts';
import { type AdamWOptions, createAdamW, type Optimizer } from './optimizer.ts';
import {
  checkSchedule,
  checkSparsityWarmup,
  learningRateAt,
  type ScheduleOptions,
  type SparsityWarmup,
  sparsityAt,
  weightDecayAt,
} from './schedule.ts';
import { type StepInputs, type StepResult, trainStep } from './step.ts';
import type { BatchSource, Trainable, ValidationBatch } from './trainable.ts';
import { joinedBatches, targetShares, upload } from './upload.ts';

export interface TrainOptions {
  readonly model: Trainable;
  readonly batches: BatchSource;
  readonly schedule: ScheduleOptions;
  readonly optimizer?: AdamWOptions | undefined;
  /** Batches whose gradients are averaged into one update. Default 1. */
  readonly accumulation?: number | undefined;
  /** Largest global gradient norm; 0 is off. Default 1. */
  readonly clipNorm?: number | undefined;
  /** Default: the sparsity that the model has. */
  readonly sparsity?: SparsityWarmup | undefined;
  /** The same batches every `every` steps, and after the last. */
  readonly validation?: { readonly every: number; readonly batches: Iterable<ValidationBatch> } | undefined;
  /** Every `every` steps, after the caller has had the step, and at the end. */
  readonly checkpoints?: { readonly every: number; readonly store: CheckpointStore } | undefined;
  /** Go on from the store's newest checkpoint, exactly as if the run had never stopped. */
  readonly resume?: boolean | undefined;
  /** Moments to begin with, of an earlier run of a model of these shapes, and how many updates they have seen. */
  readonly moments?: { readonly store: TensorStore; readonly updates: number } | undefined;
  /** Ends the run after the current step, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
}

/** What one update did. */
export interface TrainStep {
  /** Updates done, counted from 1. */
  readonly step: number;
  /** Mean cross entropy in nats, before the update. */
  readonly loss: number;
  readonly learningRate: number;
  /** Global norm before clipping. */
  readonly gradientNorm: number;
  /** Of this step. */
  readonly tokensPerSecond: number;
  /** Tokens seen in the whole run. */
  readonly tokens: number;
  /** Share of inputs that the selection was asked to leave out; absent where the run does not steer it. */
  readonly sparsity?: number;
  /** Mean loss in nats over the validation batches, where this step validated. */
  readonly validationLoss?: number;
}

/**
 * Trains until `schedule.steps` updates are done, the signal aborts or the caller breaks (which saves nothing).
 * Throws ValueError for an option out of range, and for a resume without a checkpoint or with other data;
 * NonFiniteError naming step, layer and site; and what the store throws.
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainStep, void, void> {
  const {
    model,
    batches,
    schedule,
    accumulation = 1,
    clipNorm = 1,
    validation,
    checkpoints,
    signal,
  } = options;
  checkOptions(options);
  const optimizer = createAdamW(model.arena, options.optimizer);
  const pause = createPauses();
  const program = programs(model, optimizer, accumulation);
  try {
    const start = options.resume ? await resumeFrom(options, optimizer) : await begin(options, optimizer);
    const { earlierUpdates } = start;
    let { step, tokens } = start;
    let savedStep = step;
    const save = async ({ store }: NonNullable<TrainOptions['checkpoints']>) => {
      await requireFiniteWeights(model, step);
      const { fingerprint } = batches;
      const earlier = earlierUpdates > 0 && { earlierUpdates };
      const state = { step, tokens, position: batches.position(), fingerprint, ...earlier };
      await store.save({ state, ...checkpointTensors(model.arena, optimizer) });
      savedStep = step;
    };
    while (step < schedule.steps && !signal?.aborted) {
      const startTime = performance.now();
      const sparsity = options.sparsity && sparsityAt(step, options.sparsity);
      const learningRate = learningRateAt(step, schedule);
      const weightDecay = weightDecayAt(step, schedule);
      const batch = joinedBatches(batches, accumulation);
      const hyper = optimizer.hyper({ learningRate, weightDecay, step: earlierUpdates + step, clipNorm });
      const weights = batches.ignoresTargets ? targetShares(batch, accumulation) : undefined;
      const inputs = upload(model.device, batch, hyper, weights);
      const result = program(sparsity)(inputs);
      for (const input of Object.values(inputs)) input.dispose(); // freed after the work that reads them
      const [loss, norm] = await Promise.all([result.loss.item(), result.norm.item()]); // the one wait of a step
      if (!Number.isFinite(loss) || !Number.isFinite(norm))
        throw await nonFiniteStep(model, batch, { step: step + 1, loss, norm });
      const tokensPerSecond = (1000 * batch.tokens.length) / (performance.now() - startTime);
      step += 1;
      tokens += batch.tokens.length;
      const isLast = step === schedule.steps;
      const validates = validation && (isLast || step % validation.every === 0);
      const validationLoss = validates
        ? await unlessAborted(meanLoss(model, validation.batches, { signal }), signal)
        : undefined;
      yield {
        step,
        loss,
        learningRate,
        gradientNorm: norm,
        tokensPerSecond,
        tokens,
        ...(sparsity !== undefined && { sparsity }),
        ...(validationLoss !== undefined && { validationLoss }),
      };
      // After the caller has had the step, so that what it logs is never behind the checkpoint.
      if (checkpoints && step % checkpoints.every === 0) await save(checkpoints);
      await pause();
    }
    if (checkpoints && savedStep !== step) await save(checkpoints);
  } finally {
    program.dispose();
    optimizer.dispose();
  }
}

/** Undefined where the signal cut it short. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return undefined;
    throw error;
  }
}

function checkOptions(options: TrainOptions): void {
  const { model, schedule, accumulation = 1, clipNorm = 1, sparsity, validation, checkpoints } = options;
  checkSchedule(schedule);
  if (sparsity) checkSparsityWarmup(sparsity);
  if (sparsity && !model.setSparsity)
    throw new ValueError('train', 'sparsity was given, this model has no setSparsity', 'leave it out');
  for (const [name, value] of Object.entries({
    accumulation,
    'validation.every': validation?.every ?? 1,
    'checkpoints.every': checkpoints?.every ?? 1,
  })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new ValueError('train', `${name} must be a whole number of at least 1, got ${value}`);
  }
  if (!(clipNorm >= 0 && Number.isFinite(clipNorm)))
    throw new ValueError('train', `clipNorm must be 0 (off) or more, got ${clipNorm}`);
}

type Program = Captured<StepInputs, StepResult>;

/** The captured step for a sparsity; another one is captured anew. */
function programs(
  model: Trainable,
  optimizer: Optimizer,
  accumulation: number,
): ((sparsity: number | undefined) => Program) & { dispose(): void } {
  let current: { readonly sparsity: number | undefined; readonly step: Program } | undefined;
  const at = (sparsity: number | undefined): Program => {
    if (current?.sparsity === sparsity && current) return current.step;
    current?.step.dispose();
    if (sparsity !== undefined) model.setSparsity?.(sparsity);
    current = { sparsity, step: trainStep(model, optimizer, accumulation) };
    return current.step;
  };
  return Object.assign(at, { dispose: () => current?.step.dispose() });
}

interface Progress {
  readonly step: number;
  readonly tokens: number;
  /** Updates that the moments had seen before the run. */
  readonly earlierUpdates: number;
}

async function begin({ model, moments }: TrainOptions, optimizer: Optimizer): Promise<Progress> {
  if (moments) await restoreMoments(model.arena, optimizer, moments.store);
  return { step: 0, tokens: 0, earlierUpdates: moments?.updates ?? 0 };
}

async function resumeFrom(
  { model, batches, checkpoints }: TrainOptions,
  optimizer: Optimizer,
): Promise<Progress> {
  const stored = await checkpoints?.store.latest();
  if (!stored)
    throw new ValueError('resume', 'there is no checkpoint to go on from', 'start the run without resume');
  try {
    const { step, tokens, position, fingerprint, earlierUpdates = 0 } = stored.state;
    if (fingerprint !== batches.fingerprint) {
      throw new ValueError(
        'resume',
        `${stored.name} was trained on data ${fingerprint}, this is ${batches.fingerprint}`,
        'give the same files, tokenizer, row length and seed, or start a new run',
      );
    }
    await restore(model.arena, optimizer, stored);
    batches.seek(position);
    return { step, tokens, earlierUpdates };
  } finally {
    await stored.close();
  }
}

/**
 * The training loop, visible on one screen: an async iterator that yields after every update. It logs nothing and
 * stops nowhere by itself; the caller decides what to print and when to break.
 */
import { type Captured, keep, NonFiniteError, noGrad, scope, tensor, ValueError } from '@qsparse/core';
import type { EvaluationBatch } from '@qsparse/data';
import { type CheckpointStore, checkpointTensors, restore } from './checkpoint.ts';
import { type AdamWOptions, createAdamW, type Optimizer } from './optimizer.ts';
import { pause } from './pause.ts';
import {
  checkSchedule,
  learningRateAt,
  type ScheduleOptions,
  type SparsityWarmup,
  sparsityAt,
  weightDecayAt,
} from './schedule.ts';
import { type StepInputs, type StepResult, trainStep } from './step.ts';
import type { Batch, BatchSource, Trainable } from './trainable.ts';

export interface TrainOptions {
  readonly model: Trainable;
  readonly batches: BatchSource;
  readonly schedule: ScheduleOptions;
  readonly optimizer?: AdamWOptions | undefined;
  /** Batches whose gradients are averaged into one update. Default 1. */
  readonly accumulation?: number | undefined;
  /** Largest global gradient norm; 0 is off. Default 1. */
  readonly clipNorm?: number | undefined;
  readonly sparsity?: SparsityWarmup | undefined;
  /** The same batches at every validation. */
  readonly validation?: { readonly every: number; readonly batches: Iterable<EvaluationBatch> } | undefined;
  readonly checkpoints?: { readonly every: number; readonly store: CheckpointStore } | undefined;
  /** Go on from the store's newest checkpoint. */
  readonly resume?: boolean | undefined;
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
  /** Share of inputs that the linear layers leave out by selection. */
  readonly sparsity: number;
  /** Mean loss in nats over the validation batches, where this step validated. */
  readonly validationLoss?: number;
  /** Where a checkpoint was saved after this step. */
  readonly checkpoint?: string;
}

/** Trains until `schedule.steps` updates are done. Throws NonFiniteError naming step, layer and site. */
export async function* train(options: TrainOptions): AsyncGenerator<TrainStep, void, void> {
  const {
    model,
    batches,
    schedule,
    accumulation = 1,
    clipNorm = 1,
    sparsity,
    validation,
    checkpoints,
    signal,
  } = options;
  checkSchedule(schedule);
  if (!Number.isInteger(accumulation) || accumulation < 1)
    throw new ValueError('train', `accumulation must be a whole number of at least 1, got ${accumulation}`);
  const optimizer = createAdamW(model.arena, options.optimizer);
  let steps: Captured<StepInputs, StepResult> | undefined;
  let level: number | undefined;
  let savedStep = -1;
  let { step, tokens } = options.resume ? await resumeFrom(options, optimizer) : { step: 0, tokens: 0 };
  const save = () => {
    const state = { step, tokens, position: batches.position(), fingerprint: batches.fingerprint };
    return checkpoints!.store.save({ state, ...checkpointTensors(model.arena, optimizer) });
  };
  const firstStep = step;
  try {
    while (step < schedule.steps && !signal?.aborted) {
      const start = performance.now();
      const wanted = sparsity ? sparsityAt(step, sparsity) : 0;
      if (sparsity && wanted !== level) {
        model.setSparsity?.(wanted);
        steps?.dispose();
        steps = undefined;
        level = wanted;
      }
      steps ??= trainStep(model, optimizer, accumulation);
      const batch = joined(batches, accumulation);
      const learningRate = learningRateAt(step, schedule);
      const hyper = optimizer.hyper({
        learningRate,
        weightDecay: weightDecayAt(step, schedule),
        step,
        clipNorm,
      });
      const inputs = upload(model, batch, hyper);
      const result = steps(inputs);
      const [loss, gradientNorm] = [await result.loss.item(), await result.norm.item()]; // the one wait of a step
      if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm))
        throw await nonFinite(model, inputs, step + 1, loss);
      for (const input of Object.values(inputs)) input.dispose();
      step += 1;
      tokens += batch.tokens.length;
      const tokensPerSecond = (1000 * batch.tokens.length) / (performance.now() - start);
      const last = step === schedule.steps || signal?.aborted === true;
      const validate = validation && (last || step % validation.every === 0);
      const validationLoss = validate ? await meanLoss(model, validation.batches) : undefined;
      let checkpoint: string | undefined;
      if (checkpoints && (last || step % checkpoints.every === 0)) {
        checkpoint = await save();
        savedStep = step;
      }
      yield {
        step,
        loss,
        learningRate,
        gradientNorm,
        tokensPerSecond,
        tokens,
        sparsity: wanted,
        ...(validationLoss !== undefined && { validationLoss }),
        ...(checkpoint !== undefined && { checkpoint }),
      };
      await pause();
    }
    // Stopped between two steps: nothing that was learnt is lost.
    if (checkpoints && step > firstStep && savedStep !== step) await save();
  } finally {
    steps?.dispose();
    optimizer.dispose();
  }
}

/** Mean loss in nats over all predicted tokens of the batches, without gradients. */
export async function meanLoss(model: Trainable, batches: Iterable<EvaluationBatch>): Promise<number> {
  let sum = 0;
  let count = 0;
  for (const { tokens, targets, shape, predicted } of batches) {
    const loss = noGrad(() =>
      scope(() =>
        model.loss(tensor(model.device, tokens, shape, 'i32'), tensor(model.device, targets, shape, 'i32')),
      ),
    );
    sum += predicted * (await loss.item());
    count += predicted;
    loss.dispose();
    await pause();
  }
  return sum / count;
}

async function resumeFrom(
  { model, batches, checkpoints }: TrainOptions,
  optimizer: Optimizer,
): Promise<{ step: number; tokens: number }> {
  const stored = await checkpoints?.store.latest();
  if (!stored)
    throw new ValueError(
      'resume',
      'there is no complete checkpoint to go on from',
      'start the run without resume',
    );
  try {
    if (stored.state.fingerprint !== batches.fingerprint) {
      throw new ValueError(
        'resume',
        `the run was trained on data ${stored.state.fingerprint}, this is ${batches.fingerprint}`,
        'give the same files, tokenizer and row length, or start a new run',
      );
    }
    await restore(model.arena, optimizer, stored);
    batches.seek(stored.state.position);
    return { step: stored.state.step, tokens: stored.state.tokens };
  } finally {
    await stored.close();
  }
}

/** `count` batches as one, row under row. */
function joined(batches: BatchSource, count: number): Batch {
  const parts = Array.from({ length: count }, () => batches.next());
  const [rows, length] = parts[0]!.shape;
  const concatenate = (key: 'tokens' | 'targets') => {
    const all = new Int32Array(count * rows * length);
    for (const [i, part] of parts.entries()) all.set(part[key], i * rows * length);
    return all;
  };
  return { tokens: concatenate('tokens'), targets: concatenate('targets'), shape: [count * rows, length] };
}

/** Tensors of their own, which the step copies from and the loop frees. */
function upload(
  { device }: Trainable,
  { tokens, targets, shape }: Batch,
  hyper: readonly number[],
): StepInputs {
  return {
    tokens: keep(tensor(device, tokens, shape, 'i32')),
    targets: keep(tensor(device, targets, shape, 'i32')),
    hyper: keep(tensor(device, hyper, [8])),
  };
}

/** The update was skipped, so one more forward pass shows where the trouble begins. */
async function nonFinite(
  model: Trainable,
  { tokens }: StepInputs,
  step: number,
  loss: number,
): Promise<NonFiniteError> {
  const site = await model.firstNonFinite?.(tokens);
  const place = site
    ? `the input of ${site} is the first that is not finite`
    : 'all selected inputs are finite, so a gradient is not';
  return new NonFiniteError(
    'train',
    `step ${step}: the loss is ${loss}; ${place}`,
    'lower the learning rate or clip more; the last checkpoint is intact',
  );
}

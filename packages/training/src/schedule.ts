/** What changes from step to step: learning rate, weight decay, sparsity. Pure functions of the step. */
import { ValueError } from '@qsparse/core';

export interface ScheduleOptions {
  /**
   * After the warm-up: `cosine` or `linear` from `peak` to `peak · finalShare` at the last step, `constant`, or
   * `two-stage`, the BitNet b1.58 recipe: linear decay whose rate drops to that of `secondPeak` and whose weight decay
   * drops to 0 at `stageShare` of the steps.
   */
  readonly kind: 'cosine' | 'linear' | 'constant' | 'two-stage';
  /** Steps of the whole run. */
  readonly steps: number;
  /** Steps from 0 to the peak, linearly; step 1 already learns. */
  readonly warmupSteps: number;
  readonly peak: number;
  /** Default 0.1. */
  readonly finalShare?: number | undefined;
  readonly weightDecay: number;
  /** `two-stage`: peak of the second stage. Default 2/3 of `peak`. */
  readonly secondPeak?: number | undefined;
  /** `two-stage`: where the second stage begins. Default 0.5. */
  readonly stageShare?: number | undefined;
}

/** Throws ValueError naming the option. */
export function checkSchedule(options: ScheduleOptions): void {
  const {
    steps,
    warmupSteps,
    peak,
    finalShare = 0.1,
    weightDecay,
    secondPeak = peak,
    stageShare = 0.5,
  } = options;
  requireWhole('steps', steps, 1);
  requireWhole('warmupSteps', warmupSteps, 0);
  requireFrom('peak', peak, Number.MIN_VALUE);
  requireFrom('secondPeak', secondPeak, Number.MIN_VALUE);
  requireFrom('finalShare', finalShare, 0, 1);
  requireFrom('weightDecay', weightDecay, 0);
  requireFrom('stageShare', stageShare, 0, 1);
}

/** Learning rate of step 0, 1, … */
export function learningRateAt(step: number, options: ScheduleOptions): number {
  const { kind, steps, warmupSteps, peak, finalShare = 0.1, secondPeak = (peak * 2) / 3 } = options;
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  if (kind === 'constant') return peak;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, steps - 1 - warmupSteps));
  const fallen = kind === 'cosine' ? (1 - Math.cos(Math.PI * progress)) / 2 : progress;
  const share = 1 - (1 - finalShare) * fallen;
  return (kind === 'two-stage' && inSecondStage(step, options) ? secondPeak : peak) * share;
}

export function weightDecayAt(step: number, options: ScheduleOptions): number {
  return options.kind === 'two-stage' && inSecondStage(step, options) ? 0 : options.weightDecay;
}

function inSecondStage(step: number, { steps, stageShare = 0.5 }: ScheduleOptions): boolean {
  return step >= steps * stageShare;
}

export interface SparsityWarmup {
  /** Share of inputs left out at the end of the warm-up and after; at least 0, below 1. */
  readonly target: number;
  /** Steps from 0 to the target; 0 starts at the target. */
  readonly warmupSteps: number;
  /** Levels on the way: a step is captured anew for each. Default 8. */
  readonly levels?: number | undefined;
}

/** Throws ValueError naming the option. */
export function checkSparsityWarmup({ target, warmupSteps, levels = 8 }: SparsityWarmup): void {
  if (!(target >= 0 && target < 1))
    throw new ValueError('schedule', `the target sparsity must be at least 0 and below 1, got ${target}`);
  requireWhole('sparsity warmupSteps', warmupSteps, 0);
  requireWhole('sparsity levels', levels, 1);
}

/** Sparsity of step 0, 1, …: a staircase from 0 to the target. */
export function sparsityAt(step: number, { target, warmupSteps, levels = 8 }: SparsityWarmup): number {
  if (step >= warmupSteps) return target;
  return (target * Math.floor((step * levels) / warmupSteps)) / levels;
}

function requireWhole(name: string, value: number, min: number): void {
  if (Number.isSafeInteger(value) && value >= min) return;
  throw new ValueError('schedule', `${name} must be a whole number of at least ${min}, got ${value}`);
}

function requireFrom(name: string, value: number, min: number, max: number = Number.MAX_VALUE): void {
  if (value >= min && value <= max) return;
  const range =
    min === Number.MIN_VALUE ? 'above 0' : max === Number.MAX_VALUE ? '0 or more' : `from ${min} to ${max}`;
  throw new ValueError('schedule', `${name} must be ${range}, got ${value}`);
}

/** What changes from step to step: learning rate, weight decay, sparsity. Pure functions of the step. */
import { ValueError } from '@qsparse/core';

export interface ScheduleOptions {
  /**
   * After the warm-up: `cosine` or `linear` from `peak` to `peak · finalShare` at the last step, `constant`, or
   * `two-stage`, the BitNet b1.58 recipe: linear decay whose rate drops to `secondPeak` and whose weight decay drops to
   * 0 at `stageShare` of the steps.
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
export function checkSchedule({
  steps,
  warmupSteps,
  peak,
  finalShare = 0.1,
  weightDecay,
  stageShare = 0.5,
}: ScheduleOptions): void {
  const require = (holds: boolean, name: string, what: string, came: number) => {
    if (!holds) throw new ValueError('schedule', `${name} must be ${what}, got ${came}`);
  };
  require(Number.isInteger(steps) && steps >= 1, 'steps', 'a whole number of at least 1', steps);
  require(Number.isInteger(warmupSteps) &&
    warmupSteps >= 0, 'warmupSteps', 'a whole number of at least 0', warmupSteps);
  require(peak > 0 && Number.isFinite(peak), 'learning rate', 'above 0', peak);
  require(finalShare >= 0 && finalShare <= 1, 'finalShare', 'from 0 to 1', finalShare);
  require(weightDecay >= 0 && Number.isFinite(weightDecay), 'weightDecay', '0 or more', weightDecay);
  require(stageShare >= 0 && stageShare <= 1, 'stageShare', 'from 0 to 1', stageShare);
}

/** Learning rate of step 0, 1, … */
export function learningRateAt(step: number, options: ScheduleOptions): number {
  const { kind, steps, warmupSteps, peak, finalShare = 0.1 } = options;
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  if (kind === 'constant') return peak;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, steps - 1 - warmupSteps));
  if (kind === 'cosine')
    return peak * (finalShare + (1 - finalShare) * 0.5 * (1 + Math.cos(Math.PI * progress)));
  const linear = finalShare + (1 - finalShare) * (1 - progress);
  if (kind === 'linear') return peak * linear;
  return (inSecondStage(step, options) ? (options.secondPeak ?? (peak * 2) / 3) : peak) * linear;
}

export function weightDecayAt(step: number, options: ScheduleOptions): number {
  return options.kind === 'two-stage' && inSecondStage(step, options) ? 0 : options.weightDecay;
}

function inSecondStage(step: number, { steps, stageShare = 0.5 }: ScheduleOptions): boolean {
  return step >= steps * stageShare;
}

export interface SparsityWarmup {
  /** Share of inputs left out at the end of the warm-up and after. */
  readonly target: number;
  /** Steps from 0 to the target; 0 starts at the target. */
  readonly warmupSteps: number;
  /** Levels on the way: a step is captured anew for each. Default 8. */
  readonly levels?: number | undefined;
}

/** Sparsity of step 0, 1, …: a staircase from 0 to the target. */
export function sparsityAt(step: number, { target, warmupSteps, levels = 8 }: SparsityWarmup): number {
  if (step >= warmupSteps) return target;
  return (target * Math.floor((step * levels) / warmupSteps)) / levels;
}

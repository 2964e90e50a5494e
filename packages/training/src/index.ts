/** Training: optimizer, schedules, the captured step, the loop, exact resume. */
export {
  type CheckpointStore,
  type CheckpointToWrite,
  checkMoments,
  checkpointTensors,
  restore,
  restoreMoments,
  type StoredCheckpoint,
  type TrainingState,
} from './checkpoint.ts';
export { meanLoss } from './evaluate.ts';
export { gradientNorms } from './gradient-norms.ts';
export { type AdamWOptions, createAdamW, type HyperParameters, type Optimizer } from './optimizer.ts';
export { preferenceLoss } from './preference-loss.ts';
export { combinedReporter, type Reporter, type StepEntry } from './reporter.ts';
export {
  checkSchedule,
  checkSparsityWarmup,
  learningRateAt,
  type ScheduleOptions,
  type SparsityWarmup,
  sparsityAt,
  weightDecayAt,
} from './schedule.ts';
export { type StepInputs, type StepResult, trainStep } from './step.ts';
export { type TextBatchOptions, textBatches } from './text-batches.ts';
export { type TrainOptions, type TrainStep, train } from './train.ts';
export type { Batch, BatchSource, Trainable, ValidationBatch } from './trainable.ts';

/**
 * One training step as one program: zero the gradients, loss and backward for every micro-batch, clip, update. After
 * two calls a step is a replay; what changes from step to step comes in as tensors.
 */
import {
  accumulate,
  add,
  backward,
  type Captured,
  capture,
  fillWith,
  globalNorm,
  multiply,
  reshape,
  rows,
  scale,
  scope,
  type Tensor,
  zeros,
} from '@qsparse/core';
import type { Optimizer } from './optimizer.ts';
import type { Trainable } from './trainable.ts';

export type StepInputs = Readonly<Record<string, Tensor>> & {
  /** i32 [micro-batches · B, T]. */
  readonly tokens: Tensor;
  readonly targets: Tensor;
  /** f32 [8], from `Optimizer.hyper`. */
  readonly hyper: Tensor;
  /** f32 [micro-batches]: how much each counts; absent: all alike. Other names are for the model, [micro-batches · B, …]. */
  readonly weights?: Tensor;
};

export interface StepResult {
  /** Mean over the micro-batches, shape []. */
  readonly loss: Tensor;
  /** Global gradient norm before clipping, shape []. */
  readonly norm: Tensor;
}

/**
 * `microBatches`: how many parts the rows are computed in; memory falls, the result stays the mean over all, or the sum by `weights`. Where loss
 * or norm is not finite, weights and moments stay as they were.
 */
export function trainStep(
  model: Trainable,
  optimizer: Optimizer,
  microBatches = 1,
): Captured<StepInputs, StepResult> {
  const params = [...model.arena.params.values()];
  return capture(({ tokens, targets, hyper, weights, ...more }: StepInputs) => {
    const loss = zeros(model.device, []);
    fillWith(model.arena.grads, 0);
    const rowsEach = tokens.shape[0]! / microBatches;
    for (let i = 0; i < microBatches; i++) {
      scope(() => {
        const part = (x: Tensor) => rows(x, i * rowsEach, rowsEach);
        const own = Object.fromEntries(Object.entries(more).map(([name, x]) => [name, part(x)]));
        const partLoss = model.loss(part(tokens), part(targets), own);
        const weighed = weights && multiply(partLoss, reshape(rows(weights, i, 1), []));
        backward(weighed ?? partLoss, params, { scale: weighed ? 1 : 1 / microBatches });
        accumulate(loss, weighed ?? scale(partLoss, 1 / microBatches));
      });
    }
    const norm = globalNorm(model.arena.grads);
    // An infinite loss can have finite gradients; 0 · loss is NaN then, and the optimizer skips the update.
    optimizer.update(add(norm, scale(loss, 0)), hyper);
    return { loss, norm };
  });
}

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
  rows,
  scale,
  scope,
  type Tensor,
  zeros,
} from '@qsparse/core';
import type { Optimizer } from './optimizer.ts';
import type { Trainable } from './trainable.ts';

export interface StepInputs extends Readonly<Record<string, Tensor>> {
  /** i32 [micro-batches · B, T]. */
  readonly tokens: Tensor;
  readonly targets: Tensor;
  /** f32 [8], from `Optimizer.hyper`. */
  readonly hyper: Tensor;
}

export interface StepResult {
  /** Mean over the micro-batches, shape []. */
  readonly loss: Tensor;
  /** Global gradient norm before clipping, shape []. */
  readonly norm: Tensor;
}

/**
 * `microBatches`: how many parts the rows are computed in; memory falls, the result stays the mean over all. Where loss
 * or norm is not finite, weights and moments stay as they were.
 */
export function trainStep(
  model: Trainable,
  optimizer: Optimizer,
  microBatches = 1,
): Captured<StepInputs, StepResult> {
  const params = [...model.arena.params.values()];
  return capture(({ tokens, targets, hyper }: StepInputs) => {
    const loss = zeros(model.device, []);
    fillWith(model.arena.grads, 0);
    const rowsEach = tokens.shape[0]! / microBatches;
    for (let i = 0; i < microBatches; i++) {
      scope(() => {
        const part = (x: Tensor) => rows(x, i * rowsEach, rowsEach);
        const partLoss = model.loss(part(tokens), part(targets));
        backward(partLoss, params, { scale: 1 / microBatches });
        accumulate(loss, scale(partLoss, 1 / microBatches));
      });
    }
    const norm = globalNorm(model.arena.grads);
    // An infinite loss can have finite gradients; 0 · loss is NaN then, and the optimizer skips the update.
    optimizer.update(add(norm, scale(loss, 0)), hyper);
    return { loss, norm };
  });
}

/**
 * AdamW over flat arenas (Loshchilov and Hutter, arXiv 1711.05101; the form of PyTorch). Decay acts on tensors of 2 or
 * more dimensions, which lie first in the arena, so one step is two launches whatever the number of tensors.
 */
import {
  accumulate,
  adamw,
  adamwHyper,
  copy,
  keep,
  multiply,
  type ParamArena,
  rows,
  subtract,
  type Tensor,
  ValueError,
  zeros,
} from '@qsparse/core';

export interface AdamWOptions {
  /** Default 0.9. */
  readonly beta1?: number | undefined;
  /** Default 0.95. */
  readonly beta2?: number | undefined;
  /** Default 1e-8. */
  readonly epsilon?: number | undefined;
  /**
   * Keeps a moving average of the weights, e ← e + (1 - d) (w - e) after each update, with d this number, and less in the
   * first updates: min(ema, (1 + t) / (10 + t)). Default 0, off: no memory, no work.
   */
  readonly ema?: number | undefined;
}

/** What changes each step, in device memory. */
export interface HyperParameters {
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Updates done before this one. */
  readonly step: number;
  /** Largest global gradient norm; 0 is off. */
  readonly clipNorm: number;
}

export interface Optimizer {
  /** First and second moments, flat like the arena. */
  readonly m: Tensor;
  readonly v: Tensor;
  /** The moving average of the weights, where there is one. */
  readonly average: Tensor | undefined;
  /** The eight numbers that `update` reads from its `hyper` tensor. */
  hyper(values: HyperParameters): readonly number[];
  /** One update from the arena's gradients, whose global norm is `norm` (shape []); skipped when it is not finite. */
  update(norm: Tensor, hyper: Tensor): void;
  dispose(): void;
}

/** Of the eight numbers, one that adamw leaves free. */
const AVERAGE_RATE = 5;

/** Moments at zero, the average at the weights as they are. Throws ValueError for a beta outside [0, 1) or an epsilon that is not above 0. */
export function createAdamW(
  { values, grads, matrixElements }: ParamArena,
  { beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, ema = 0 }: AdamWOptions = {},
): Optimizer {
  for (const [name, beta] of Object.entries({ beta1, beta2, ema })) {
    if (!(beta >= 0 && beta < 1))
      throw new ValueError('createAdamW', `${name} must be at least 0 and below 1, got ${beta}`);
  }
  if (!(epsilon > 0 && Number.isFinite(epsilon)))
    throw new ValueError('createAdamW', `epsilon must be above 0, got ${epsilon}`);
  const m = keep(zeros(values.device, values.shape));
  const v = keep(zeros(values.device, values.shape));
  const average = ema > 0 ? keep(copy(values)) : undefined;
  const parts = [
    { decay: true, start: 0, end: matrixElements },
    { decay: false, start: matrixElements, end: values.size },
  ].filter(({ start, end }) => start < end);
  return {
    m,
    v,
    average,
    hyper(now) {
      const numbers = adamwHyper({ ...now, beta1, beta2, step: now.step + 1 });
      if (average) numbers[AVERAGE_RATE] = 1 - Math.min(ema, (1 + now.step) / (10 + now.step));
      return numbers;
    },
    update(norm, hyper) {
      for (const { decay, start, end } of parts) {
        const part = (x: Tensor) => rows(x, start, end - start);
        adamw(
          { value: part(values), grad: part(grads), m: part(m), v: part(v), norm, hyper },
          { beta1, beta2, epsilon, decay },
        );
      }
      if (average) accumulate(average, multiply(subtract(values, average), rows(hyper, AVERAGE_RATE, 1)));
    },
    dispose() {
      m.dispose();
      v.dispose();
      average?.dispose();
    },
  };
}

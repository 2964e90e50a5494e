/**
 * AdamW over flat arenas (Loshchilov and Hutter, arXiv 1711.05101; the form of PyTorch). Decay acts on tensors of 2 or
 * more dimensions, which lie first in the arena, so one step is two launches whatever the number of tensors.
 */
import {
  adamw,
  adamwHyper,
  keep,
  type ParamArena,
  rows,
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
  /** The eight numbers that `update` reads from its `hyper` tensor. */
  hyper(values: HyperParameters): readonly number[];
  /** One update from the arena's gradients, whose global norm is `norm` (shape []); skipped when it is not finite. */
  update(norm: Tensor, hyper: Tensor): void;
  dispose(): void;
}

/** Moments at zero. Throws ValueError for a beta outside [0, 1) or an epsilon that is not above 0. */
export function createAdamW(
  { values, grads, matrixElements }: ParamArena,
  { beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8 }: AdamWOptions = {},
): Optimizer {
  for (const [name, beta] of Object.entries({ beta1, beta2 })) {
    if (!(beta >= 0 && beta < 1))
      throw new ValueError('createAdamW', `${name} must be at least 0 and below 1, got ${beta}`);
  }
  if (!(epsilon > 0 && Number.isFinite(epsilon)))
    throw new ValueError('createAdamW', `epsilon must be above 0, got ${epsilon}`);
  const m = keep(zeros(values.device, values.shape));
  const v = keep(zeros(values.device, values.shape));
  const parts = [
    { decay: true, start: 0, end: matrixElements },
    { decay: false, start: matrixElements, end: values.size },
  ].filter(({ start, end }) => start < end);
  return {
    m,
    v,
    hyper: (now) => adamwHyper({ ...now, beta1, beta2, step: now.step + 1 }),
    update(norm, hyper) {
      for (const { decay, start, end } of parts) {
        const part = (x: Tensor) => rows(x, start, end - start);
        adamw(
          { value: part(values), grad: part(grads), m: part(m), v: part(v), norm, hyper },
          { beta1, beta2, epsilon, decay },
        );
      }
    },
    dispose() {
      m.dispose();
      v.dispose();
    },
  };
}

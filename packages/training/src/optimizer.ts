/**
 * AdamW over flat arenas (Loshchilov and Hutter, arXiv 1711.05101; the form of PyTorch). Decay acts on tensors of 2 or
 * more dimensions, which lie first in the arena, so one step is two launches whatever the number of tensors.
 */
import { adamw, adamwHyper, keep, type ParamArena, rows, type Tensor, zeros } from '@qsparse/core';

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

export function createAdamW(
  arena: ParamArena,
  { beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8 }: AdamWOptions = {},
): Optimizer {
  const { values, grads, matrixElements } = arena;
  const m = keep(zeros(values.device, values.shape));
  const v = keep(zeros(values.device, values.shape));
  return {
    m,
    v,
    hyper: (values) => adamwHyper({ ...values, beta1, beta2, step: values.step + 1 }),
    update(norm, hyper) {
      const total = values.size;
      for (const decay of [true, false]) {
        const [start, end] = decay ? [0, matrixElements] : [matrixElements, total];
        if (start === end) continue;
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

/**
 * One AdamW step over an arena, in place (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019;
 * the order of operations is PyTorch's). What changes from step to step comes from the device, so that a captured
 * step can be replayed. A norm that is not finite leaves value, m and v as they are.
 */
import { ValueError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import type { Tensor } from '../tensor.ts';
import { requireDType, requireFinite, requireSameShape } from './require.ts';

export interface AdamwAttrs {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Whether these elements decay: the arena holds those that do first. */
  readonly decay: boolean;
}

export interface AdamwHyper {
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  /** Counts from 1. */
  readonly step: number;
  /** Gradients with a larger global norm are scaled down to it; 0 turns clipping off. */
  readonly clipNorm: number;
}

/** The `hyper` input of a step: learning rate, weight decay, 1 - beta1^step, 1 - beta2^step, clip norm, 0, 0, 0. */
export function adamwHyper({
  learningRate,
  weightDecay,
  beta1,
  beta2,
  step,
  clipNorm,
}: AdamwHyper): number[] {
  return [learningRate, weightDecay, 1 - beta1 ** step, 1 - beta2 ** step, clipNorm, 0, 0, 0];
}

type Arena = 'value' | 'grad' | 'm' | 'v';

export const adamwOp: Op<Arena | 'norm' | 'hyper', never, AdamwAttrs> = {
  name: 'adamw',
  mutates: ['value', 'm', 'v'],
  infer({ value, grad, m, v, norm, hyper }, { beta1, beta2, epsilon }) {
    for (const [name, type] of Object.entries({ value, grad, m, v, norm, hyper })) {
      requireDType('adamw', name, type, 'f32');
    }
    for (const [name, type] of Object.entries({ grad, m, v })) {
      requireSameShape('adamw', name, type.shape, value.shape);
    }
    requireSameShape('adamw', 'norm', norm.shape, []);
    requireSameShape('adamw', 'hyper', hyper.shape, [8]);
    for (const [name, beta] of Object.entries({ beta1, beta2 })) {
      if (!(beta >= 0 && beta < 1)) throw new ValueError('adamw', `${name} must be in [0, 1), got ${beta}`);
    }
    requireFinite('adamw', 'epsilon', epsilon);
    return {};
  },
  reference({ value, grad, m, v, norm, hyper }, _outs, { beta1, beta2, epsilon, decay }) {
    if (!Number.isFinite(norm[0])) return;
    const [learningRate, weightDecay, correction1, correction2, clipNorm] = hyper as unknown as number[];
    // The 1e-6 is that of torch.nn.utils.clip_grad_norm_.
    const clip = clipNorm! > 0 ? Math.min(1, clipNorm! / (norm[0]! + 1e-6)) : 1;
    for (let i = 0; i < value.length; i++) {
      const g = grad[i]! * clip;
      m[i] = beta1 * m[i]! + (1 - beta1) * g;
      v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
      const kept = decay ? value[i]! * (1 - learningRate! * weightDecay!) : value[i]!;
      value[i] =
        kept - (learningRate! * (m[i]! / correction1!)) / (Math.sqrt(v[i]! / correction2!) + epsilon);
    }
  },
};

/**
 * Updates `value`, `m` and `v` from `grad`, all f32 of one shape; `norm` (f32 []) is the global norm of all
 * gradients and `hyper` (f32 [8]) what adamwHyper() gives.
 */
export function adamw(
  state: Readonly<Record<Arena | 'norm' | 'hyper', Tensor>>,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, decay = true }: Partial<AdamwAttrs> = {},
): void {
  const { value, grad, m, v, norm, hyper } = state;
  run(adamwOp, { value, grad, m, v, norm, hyper }, { beta1, beta2, epsilon, decay });
}

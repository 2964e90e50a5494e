/**
 * The scaling law of sparsely-activated models (Q-Sparse, arXiv 2407.10969 §3):
 *
 *   L(N, S) = E + A(S) / N^α      A(S) = B + C exp(β / (1 − S))
 *
 * L is a loss in nats, N the parameters in units of `unit`, S the share of inputs that are left out. S = 0 is the law of
 * dense models. A model with N parameters computes with N (1 − S) of them.
 */
import { ScalingError } from './errors.ts';

export const CONSTANTS = ['E', 'B', 'C', 'alpha', 'beta'] as const;
export type ConstantName = (typeof CONSTANTS)[number];
export type Constants = Readonly<Record<ConstantName, number>>;

export interface ScalingLaw extends Constants {
  /** How many parameters N = 1 stands for. */
  readonly unit: number;
}

/** A(S) = B + C exp(β / (1 − S)), in nats. Throws ScalingError for a sparsity outside [0, 1). */
export function sparsityFactor({ B, C, beta }: ScalingLaw, sparsity: number): number {
  requireSparsity('sparsityFactor', sparsity);
  return B + C * Math.exp(beta / (1 - sparsity));
}

/** L(N, S) in nats of a model with `parameters` parameters in all. Throws ScalingError. */
export function lossAt(
  law: ScalingLaw,
  { parameters, sparsity }: { readonly parameters: number; readonly sparsity: number },
): number {
  requirePositive('lossAt', 'parameters', parameters);
  return law.E + sparsityFactor(law, sparsity) / (parameters / law.unit) ** law.alpha;
}

/** The loss in nats of a model that computes with `active` parameters, N = active / (1 − S). Throws ScalingError. */
export function lossAtActive(
  law: ScalingLaw,
  { active, sparsity }: { readonly active: number; readonly sparsity: number },
): number {
  requirePositive('lossAtActive', 'active', active);
  requireSparsity('lossAtActive', sparsity);
  return lossAt(law, { parameters: active / (1 - sparsity), sparsity });
}

/** The same law with N counted in another unit: B and C change by (unit / law.unit)^−α. Throws ScalingError. */
export function inUnit(law: ScalingLaw, unit: number): ScalingLaw {
  requirePositive('inUnit', 'unit', unit);
  const factor = (law.unit / unit) ** law.alpha;
  return { ...law, B: law.B * factor, C: law.C * factor, unit };
}

export function requirePositive(where: string, name: string, value: number): void {
  if (value > 0 && Number.isFinite(value)) return;
  throw new ScalingError('value', where, `${name} must be a number above 0, got ${value}`, 'correct it');
}

export function requireSparsity(where: string, value: number): void {
  if (value >= 0 && value < 1) return;
  throw new ScalingError(
    'value',
    where,
    `sparsity must be at least 0 and below 1, got ${value}`,
    'give the share of inputs that are left out',
  );
}

/**
 * The inference-optimal sparsity: with N_a = N (1 − S) active parameters fixed, L = E + A(S) ((1 − S) / N_a)^α has its
 * minimum where, with x = 1 / (1 − S),
 *
 *   β x C exp(βx) / (B + C exp(βx)) = α
 *
 * whatever N_a is. For B → 0 that is S* = 1 − β / α.
 */
import { lossAt, lossAtActive, requirePositive, type ScalingLaw } from './law.ts';

export interface Optimum {
  /** S*, from 0 up to, not including, 1. */
  readonly sparsity: number;
  /** N / N_a = 1 / (1 − S*). */
  readonly ratio: number;
  /** Where the loss has no minimum between the two ends, which end is best. */
  readonly at: 'inside' | 'dense' | 'as-sparse-as-can-be';
}

/** Beyond it 1 − 1 / x is 1 in doubles. */
const MOST_RATIO = 2 ** 40;

/** S* of a law. A law whose loss falls with sparsity at every S (β ≤ 0 or C ≤ 0) has its best end at 1. */
export function optimalSparsity({ B, C, alpha, beta }: ScalingLaw): Optimum {
  // The slope of log A over log x; it grows with x, so that one root is all there is.
  const slope = (x: number): number => (beta * x) / (1 + (B / C) * Math.exp(-beta * x));
  if (!(beta > 0 && C > 0) || slope(MOST_RATIO) < alpha)
    return { sparsity: 1 - 1 / MOST_RATIO, ratio: MOST_RATIO, at: 'as-sparse-as-can-be' };
  if (slope(1) >= alpha) return { sparsity: 0, ratio: 1, at: 'dense' };
  let [low, high] = [1, MOST_RATIO];
  for (let i = 0; i < 200 && high > low * (1 + 2 ** -52); i++) {
    const middle = Math.sqrt(low * high);
    if (slope(middle) < alpha) low = middle;
    else high = middle;
  }
  return { sparsity: 1 - 1 / low, ratio: low, at: 'inside' };
}

export interface CurvePoint {
  readonly sparsity: number;
  /** nats */
  readonly loss: number;
  /** How far the reducible loss L − E lies above that of S*, as a share. */
  readonly excess: number;
}

/** Loss at each sparsity with the active parameters fixed. Throws ScalingError. */
export function activeCurve(
  law: ScalingLaw,
  { active, sparsities }: { readonly active: number; readonly sparsities: readonly number[] },
): readonly CurvePoint[] {
  requirePositive('activeCurve', 'active', active);
  const best = lossAtActive(law, { active, sparsity: optimalSparsity(law).sparsity }) - law.E;
  return sparsities.map((sparsity) => {
    const loss = lossAtActive(law, { active, sparsity });
    return { sparsity, loss, excess: (loss - law.E) / best - 1 };
  });
}

/** The sparsities around S* whose reducible loss is within `excess` (a share) of the best: how flat the optimum is. */
export function flatRange(law: ScalingLaw, excess: number): readonly [low: number, high: number] {
  requirePositive('flatRange', 'excess', excess);
  const reducible = (sparsity: number): number =>
    lossAt(law, { parameters: law.unit / (1 - sparsity), sparsity }) - law.E;
  const { sparsity: best } = optimalSparsity(law);
  const limit = reducible(best) * (1 + excess);
  const edge = (end: number): number => {
    if (reducible(end) <= limit) return end;
    let [inside, outside] = [best, end];
    for (let i = 0; i < 60; i++) {
      const middle = (inside + outside) / 2;
      if (reducible(middle) <= limit) inside = middle;
      else outside = middle;
    }
    return inside;
  };
  return [edge(0), edge(1 - 1 / MOST_RATIO)];
}

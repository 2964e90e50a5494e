/**
 * Approximate selection on host arrays: one comparison an entry instead of a search. K is not exact, so every result
 * says what was kept. For exact K use selection.ts.
 */
import { ValueError } from '@qsparse/core';
import { requireFinite } from './finite.ts';
import { requireRows } from './selection.ts';

export interface ThresholdSelection {
  /** 1 where |x| is above the row's threshold, else 0. */
  readonly mask: Uint8Array;
  /** One threshold a row. */
  readonly thresholds: Float64Array;
  /** Entries kept in each row: the achieved K. */
  readonly kept: Int32Array;
}

/**
 * Keeps |x| > threshold, one fixed threshold for all rows (calibrated elsewhere, as TEAL does, arXiv 2408.14690).
 * `x` is row-major with rows of `width` entries.
 *
 * @throws ShapeError when x is not whole rows, ValueError for a negative threshold, NonFiniteError.
 */
export function selectAbove(x: ArrayLike<number>, width: number, threshold: number): ThresholdSelection {
  if (!(threshold >= 0 && threshold < Number.POSITIVE_INFINITY)) {
    throw new ValueError('selectAbove', `threshold must be finite and at least 0, got ${threshold}`);
  }
  return keepAbove('selectAbove', x, width, () => threshold);
}

/**
 * Keeps about (1 − sparsity) of each row: |x| > σ · Φ⁻¹((1 + sparsity) / 2), where σ = mean|x| · √(π/2) is the
 * standard deviation of zero-mean normal entries with that mean magnitude. Good where rows look normal; heavy tails
 * keep fewer, flat rows more. Sparsity 0 keeps all but exact zeros.
 *
 * @throws ShapeError when x is not whole rows, ValueError for a sparsity outside [0, 1), NonFiniteError.
 */
export function selectStatistical(x: ArrayLike<number>, width: number, sparsity: number): ThresholdSelection {
  const factor = statisticalFactor(sparsity);
  return keepAbove('selectStatistical', x, width, (first) => {
    let sum = 0;
    for (let i = first; i < first + width; i++) sum += Math.abs(x[i]!);
    return (sum / width) * factor;
  });
}

/**
 * What the mean magnitude of a row is multiplied by to give the threshold of `selectStatistical`: √(π/2) · Φ⁻¹((1 +
 * sparsity) / 2). Throws ValueError for a sparsity outside [0, 1).
 */
export function statisticalFactor(sparsity: number): number {
  if (!(sparsity >= 0 && sparsity < 1)) {
    throw new ValueError('selectStatistical', `sparsity must be at least 0 and below 1, got ${sparsity}`);
  }
  return Math.sqrt(Math.PI / 2) * normalMagnitudeQuantile(sparsity);
}

function keepAbove(
  where: string,
  x: ArrayLike<number>,
  width: number,
  thresholdOf: (first: number) => number,
): ThresholdSelection {
  requireRows(where, x, width);
  requireFinite(where, x);
  const rows = x.length / width;
  const mask = new Uint8Array(x.length);
  const thresholds = new Float64Array(rows);
  const kept = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const first = row * width;
    const threshold = thresholdOf(first);
    thresholds[row] = threshold;
    for (let i = first; i < first + width; i++) {
      if (Math.abs(x[i]!) <= threshold) continue;
      mask[i] = 1;
      kept[row]! += 1;
    }
  }
  return { mask, thresholds, kept };
}

/**
 * The t for which a standard normal number has magnitude at most t with probability p: Φ⁻¹((1 + p) / 2), p in [0, 1).
 * Newton's method from 0: the probability is concave in t, so that steps only go up and never too far.
 */
function normalMagnitudeQuantile(p: number): number {
  let t = 0;
  // In the tail a step is about 1/t, so 100 steps reach t = 14; float64 ends near 8.3.
  for (let step = 0; step < 100; step++) {
    const next = t + (p - magnitudeProbability(t)) / (2 * density(t));
    if (!(next > t)) break;
    t = next;
  }
  return t;
}

function density(t: number): number {
  return Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
}

/** P(|z| <= t) = 2 φ(t) · (t + t³/3 + t⁵/(3·5) + t⁷/(3·5·7) + …), a series of positive terms. */
function magnitudeProbability(t: number): number {
  let sum = 0;
  let term = t;
  for (let odd = 3; term > sum * 1e-17; odd += 2) {
    sum += term;
    term *= (t * t) / odd;
  }
  return 2 * density(t) * sum;
}

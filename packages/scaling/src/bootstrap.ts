/**
 * How sure a fit is: the law is fitted again to losses that the fitted law would give with its own residuals dealt out
 * anew (residual bootstrap; Davison and Hinkley 1997, §7.3). The grid stays as it is, so that no resample is degenerate.
 */
import { ScalingError } from './errors.ts';
import { descend, type Fit, type FitOptions, prepareFit } from './fit.ts';
import { CONSTANTS, type ConstantName, type ScalingLaw } from './law.ts';
import type { Minimum } from './lbfgs.ts';
import { optimalSparsity } from './optimum.ts';
import type { ScalingPoint } from './points.ts';
import { randomNumbers } from './random.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface BootstrapOptions extends FitOptions {
  /** Default 200. */
  readonly resamples?: number | undefined;
  /** The share of cases in which an interval is to hold the true value. Default 0.95. */
  readonly level?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

export interface Intervals {
  readonly level: number;
  /** Resamples that could be fitted. */
  readonly resamples: number;
  /** A constant that was fixed has both ends at its value. */
  readonly constants: Readonly<Record<ConstantName, Interval>>;
  /** Of S*. */
  readonly sparsity: Interval;
  /** Of N / N_a at S*. */
  readonly ratio: Interval;
  /** Every law that was fitted, for curves with bands. */
  readonly laws: readonly ScalingLaw[];
}

/** Intervals around `fit`, which was made from the same points and options. Throws ScalingError. */
export function bootstrapFit(
  points: readonly ScalingPoint[],
  fit: Fit,
  options: BootstrapOptions = {},
): Intervals {
  const { resamples = 200, level = 0.95, seed = 0 } = options;
  if (!(Number.isInteger(resamples) && resamples >= 10)) {
    const what = `resamples must be a whole number of at least 10, got ${resamples}`;
    throw new ScalingError('value', 'bootstrapFit', what, 'correct it');
  }
  if (!(level > 0 && level < 1))
    throw new ScalingError(
      'value',
      'bootstrapFit',
      `level must be between 0 and 1, got ${level}`,
      'correct it',
    );
  const residuals = prepareFit('bootstrapFit', points, options);
  const start = residuals.coordinates(fit.law);
  const predicted = residuals.predict(start);
  const errors = spreadOut(fit);
  const starts = startsAround(fit.law, points).map((law) => residuals.coordinates(law));
  const uniform = randomNumbers(seed);
  const laws: ScalingLaw[] = [];
  for (let i = 0; i < resamples; i++) {
    const losses = predicted.map((loss) => loss - errors[Math.floor(uniform() * errors.length)]!);
    const [{ x, value }] = starts
      .map((from) => descend(residuals, losses, from))
      .sort((a, b) => a.value - b.value) as [Minimum];
    if (Number.isFinite(value) && x.every(Number.isFinite)) laws.push(residuals.law(x));
  }
  if (laws.length === 0)
    throw new ScalingError('no-fit', 'bootstrapFit', 'no resample could be fitted', 'check the points');
  const interval = (values: readonly number[]): Interval => ({
    low: quantile(values, (1 - level) / 2),
    high: quantile(values, (1 + level) / 2),
  });
  const optima = laws.map((law) => optimalSparsity(law));
  return {
    level,
    resamples: laws.length,
    constants: Object.fromEntries(
      CONSTANTS.map((name) => [name, interval(laws.map((law) => law[name]))]),
    ) as Record<ConstantName, Interval>,
    sparsity: interval(optima.map(({ sparsity }) => sparsity)),
    ratio: interval(optima.map(({ ratio }) => ratio)),
    laws,
  };
}

/**
 * The fit itself, and the same curve with some of C moved to B: from a B near zero, whose slope in log B is zero, no
 * descent finds back.
 */
function startsAround(law: ScalingLaw, points: readonly ScalingPoint[]): readonly ScalingLaw[] {
  const stretches = points.map(({ sparsity }) => 1 / (1 - sparsity));
  const stretch = stretches.reduce((sum, value) => sum + value, 0) / stretches.length;
  const factor = law.B + law.C * Math.exp(law.beta * stretch);
  if (law.B > LITTLE_B * factor) return [law];
  const rest = 1 - SHARE_OF_B;
  const C = (rest * factor) / Math.exp((law.beta / rest) * stretch);
  return [law, { ...law, B: SHARE_OF_B * factor, C, beta: law.beta / rest }];
}

const SHARE_OF_B = 0.3;
const LITTLE_B = 0.05;

/**
 * Residuals around zero, as wide as the errors were before the fit took its share of them. A fit of absolute values goes
 * through as many points as it has constants: their residuals, the smallest, say nothing of the errors.
 */
function spreadOut({ residuals, free }: Fit): readonly number[] {
  const told = residuals.toSorted((a, b) => Math.abs(a) - Math.abs(b)).slice(free.length);
  const middle = told.reduce((sum, residual) => sum + residual, 0) / told.length;
  const width = Math.sqrt(residuals.length / told.length);
  return told.map((residual) => (residual - middle) * width);
}

/** Between two values in proportion. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (at - below);
}

/**
 * The law that fits given points best: L-BFGS on Σ Huber_δ(log L̂ − log L) from every start of a grid, the best kept, as
 * Q-Sparse (arXiv 2407.10969 §3) and Chinchilla (arXiv 2203.15556) fit theirs.
 */
import { ScalingError } from './errors.ts';
import { CONSTANTS, type ConstantName, type Constants, requirePositive, type ScalingLaw } from './law.ts';
import { type Minimum, minimize } from './lbfgs.ts';
import { requireGrid, type ScalingPoint } from './points.ts';
import { type Residuals, residualsOf } from './residuals.ts';

export interface FitOptions {
  /** Where the Huber loss goes from squares to absolute values, in units of log L. Default 1e-3. */
  readonly delta?: number | undefined;
  /** How many parameters N = 1 stands for. Default 1e8. */
  readonly unit?: number | undefined;
  /** Constants that are known and not looked for; `B: 0` for grids that cannot tell B from C. */
  readonly fixed?: Partial<Constants> | undefined;
}

export interface Fit {
  readonly law: ScalingLaw;
  /** log L̂ − log L of each point. */
  readonly residuals: readonly number[];
  /** Root of the mean square of the residuals: 0.01 is one percent of the loss. */
  readonly deviation: number;
  /** Share of the variance of log L that the law explains. */
  readonly explained: number;
  /** Constants that were looked for. */
  readonly free: readonly ConstantName[];
  readonly starts: number;
  /** Starts that ended within a millionth of the best. */
  readonly agreeing: number;
}

export const DEFAULT_DELTA = 1e-3;
export const DEFAULT_UNIT = 1e8;

/** Throws ScalingError naming what the points lack. The points' order does not matter. */
export function fitLaw(points: readonly ScalingPoint[], options: FitOptions = {}): Fit {
  const residuals = prepareFit('fitLaw', points, options);
  const logLosses = points.map(({ loss }) => Math.log(loss));
  const starts = startingLaws(points, options);
  const ends = starts
    .map((start) => descend(residuals, logLosses, residuals.coordinates(start)))
    .filter(({ value, x }) => Number.isFinite(value) && x.every(Number.isFinite))
    .sort((a, b) => a.value - b.value);
  const [best] = ends;
  if (!best)
    throw new ScalingError(
      'no-fit',
      'fitLaw',
      `none of ${starts.length} starts led to a fit`,
      'check the points',
    );
  const predicted = residuals.predict(best.x);
  const errors = logLosses.map((loss, i) => predicted[i]! - loss);
  const middle = logLosses.reduce((sum, loss) => sum + loss, 0) / logLosses.length;
  const squares = (values: readonly number[]): number => values.reduce((sum, value) => sum + value ** 2, 0);
  const spread = squares(logLosses.map((loss) => loss - middle));
  return {
    law: residuals.law(best.x),
    residuals: errors,
    deviation: Math.sqrt(squares(errors) / errors.length),
    explained: spread === 0 ? 0 : 1 - squares(errors) / spread,
    free: residuals.free,
    starts: starts.length,
    agreeing: ends.filter(({ value }) => value <= best.value * (1 + 1e-6) + 1e-12).length,
  };
}

/** Checks points and options. Throws ScalingError. */
export function prepareFit(
  where: string,
  points: readonly ScalingPoint[],
  { delta = DEFAULT_DELTA, unit = DEFAULT_UNIT, fixed = {} }: FitOptions,
): Residuals {
  requirePositive(where, 'delta', delta);
  requirePositive(where, 'unit', unit);
  for (const name of CONSTANTS) {
    const value = fixed[name];
    const isPossible = name === 'B' || name === 'beta' ? (value ?? 0) >= 0 : (value ?? 1) > 0;
    if (isPossible && Number.isFinite(value ?? 0)) continue;
    throw new ScalingError(
      'value',
      where,
      `a fixed ${name} must be a number ${name === 'B' || name === 'beta' ? 'of at least' : 'above'} 0, got ${value}`,
      'correct it',
    );
  }
  requireGrid(
    where,
    points,
    CONSTANTS.filter((name) => fixed[name] === undefined),
  );
  return residualsOf(points, { fixed, unit, delta });
}

export function descend(residuals: Residuals, logLosses: ArrayLike<number>, start: Float64Array): Minimum {
  return minimize((x, gradient) => residuals.loss(x, logLosses, gradient), start, { maxSteps: 400 });
}

/** Shares of the smallest loss that E may be; exponents; share of A that B may be. */
const GRID = {
  E: [0.2, 0.6, 0.9],
  alpha: [0.05, 0.2, 0.6],
  beta: [0.03, 0.15, 0.6],
  B: [0.02, 0.5],
} as const;

/** Laws through the middle of the points, from a grid of the constants that shape it. */
function startingLaws(
  points: readonly ScalingPoint[],
  { unit = DEFAULT_UNIT, fixed = {} }: FitOptions,
): readonly ScalingLaw[] {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const size = Math.exp(mean(points.map(({ parameters }) => Math.log(parameters / unit))));
  const stretch = mean(points.map(({ sparsity }) => 1 / (1 - sparsity)));
  const losses = points.map(({ loss }) => loss);
  const least = losses.reduce((low, loss) => Math.min(low, loss));
  const choices = <N extends keyof typeof GRID>(name: N): readonly number[] =>
    fixed[name] === undefined ? GRID[name] : [fixed[name]];
  return choices('E').flatMap((share) =>
    choices('alpha').flatMap((alpha) =>
      choices('beta').flatMap((beta) =>
        choices('B').map((shareOfB) => {
          const E = fixed.E ?? share * least;
          // What the law must add to E in the middle of the grid.
          const factor = Math.max(mean(losses) - E, 1e-3 * least) * size ** alpha;
          const B = fixed.B ?? shareOfB * factor;
          const rest = Math.max(factor - B, 1e-3 * factor);
          return { E, B, C: fixed.C ?? rest / Math.exp(beta * stretch), alpha, beta, unit };
        }),
      ),
    ),
  );
}

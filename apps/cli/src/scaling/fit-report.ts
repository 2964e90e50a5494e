/** A fit with its intervals as lines for people and an object for programs. */
import {
  type BootstrapOptions,
  bootstrapFit,
  CONSTANTS,
  type Fit,
  fitLaw,
  type Interval,
  type Intervals,
  optimalSparsity,
} from '@qsparse/scaling';
import { atItsPlace, type PointGroup } from './measured-points.ts';

export interface GroupFit {
  readonly group: PointGroup;
  readonly fit: Fit;
  readonly intervals: Intervals;
}

/** Throws ScalingInputError naming file and row. */
export function fitGroup(group: PointGroup, options: BootstrapOptions): GroupFit {
  try {
    const fit = fitLaw(group.points, options);
    return { group, fit, intervals: bootstrapFit(group.points, fit, options) };
  } catch (error) {
    throw atItsPlace(error, group);
  }
}

const SYMBOLS = { E: 'E', B: 'B', C: 'C', alpha: 'α', beta: 'β' } as const;

export function fitLines({ group, fit, intervals }: GroupFit): readonly string[] {
  const { law, free, residuals, deviation, explained } = fit;
  const level = `${Number((100 * intervals.level).toPrecision(4))} %`;
  const range = ({ low, high }: Interval): string => `${digits(low)} to ${digits(high)}`;
  const worst = residuals.reduce(
    (best, residual, i) => (Math.abs(residual) > Math.abs(residuals[best]!) ? i : best),
    0,
  );
  const optimum = optimalSparsity(law);
  return [
    `${group.name === '' ? '' : `${group.name}: `}L(N, S) = E + (B + C exp(β / (1 − S))) / N^α, N in ${law.unit.toExponential()} parameters, ${group.points.length} points`,
    ...CONSTANTS.map((name) =>
      free.includes(name)
        ? `  ${SYMBOLS[name]}   ${digits(law[name]).padEnd(10)} ${level} ${range(intervals.constants[name])}`
        : `  ${SYMBOLS[name]}   ${digits(law[name]).padEnd(10)} fixed`,
    ),
    `  S*  ${percent(optimum.sparsity).padEnd(10)} ${level} ${percent(intervals.sparsity.low)} to ${percent(intervals.sparsity.high)}${optimum.at === 'inside' ? '' : `; ${END[optimum.at]}`}`,
    `  the law misses log L by ${percent(deviation)} (root mean square), explains ${percent(explained)} of its variance; most by ${percent(Math.abs(residuals[worst]!))} at ${group.places[worst]}`,
    `  ${fit.agreeing} of ${fit.starts} starts end there; intervals from ${intervals.resamples} resamples`,
  ];
}

const END = {
  dense: 'dense is best: the loss grows with sparsity from 0 on',
  'as-sparse-as-can-be': 'the loss falls with sparsity at every S: the points show no optimum',
} as const;

/** The fitted laws of the resamples are left out. */
export function fitData({ group, fit, intervals: { laws: _, ...intervals } }: GroupFit): object {
  const points = group.points.map((point, i) => ({
    ...point,
    fitted: point.loss * Math.exp(fit.residuals[i]!),
    place: group.places[i],
  }));
  return { group: group.name, ...fit, optimum: optimalSparsity(fit.law), intervals, points };
}

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

const digits = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(4)));

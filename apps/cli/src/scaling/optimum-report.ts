/** The inference-optimal sparsity of a law, and the loss around it, as lines and as data. */
import {
  activeCurve,
  flatRange,
  type Interval,
  lossAtActive,
  optimalSparsity,
  PRESETS,
  type PresetName,
  type ScalingLaw,
} from '@qsparse/scaling';
import { percent } from './fit-report.ts';

export interface OptimumOptions {
  /** What the law is, in words. */
  readonly title: string;
  readonly law: ScalingLaw;
  readonly active: number;
  /** Of S*, where the law was fitted. */
  readonly interval?: Interval | undefined;
  /** The sparsities of the table. */
  readonly sparsities: readonly number[];
}

/** Of the table: S = 0 to 0.9. */
export const USUAL_SPARSITIES: readonly number[] = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const FLAT = 0.005;

export function optimumLines({
  title,
  law,
  active,
  interval,
  sparsities,
}: OptimumOptions): readonly string[] {
  const { sparsity, ratio, at } = optimalSparsity(law);
  const [low, high] = flatRange(law, FLAT);
  const within = interval ? `, between ${percent(interval.low)} and ${percent(interval.high)}` : '';
  const where =
    at === 'inside'
      ? `S* = ${percent(sparsity)}${within}: N = ${ratio.toFixed(4)} N_active`
      : at === 'dense'
        ? `S* = 0${within}: dense is best`
        : 'no S*: the loss falls with sparsity at every S';
  const best =
    at === 'as-sparse-as-can-be'
      ? []
      : [
          `with ${short(active)} active parameters: N = ${short(active * ratio)}, L = ${lossAtActive(law, { active, sparsity }).toFixed(4)} nats`,
          `flat: from S = ${percent(low)} to ${percent(high)} the reducible loss L − E is within ${percent(FLAT)} of the best`,
        ];
  const rows = activeCurve(law, { active, sparsities }).map(
    (point) =>
      `  ${point.sparsity.toFixed(2)}  ${short(active / (1 - point.sparsity)).padStart(8)}  ${point.loss.toFixed(4)}  ${(100 * point.excess).toFixed(2).padStart(6)} %`,
  );
  return [title, where, ...best, '  S            N  L       above the best of L − E', ...rows];
}

export function optimumData({ title, law, active, interval, sparsities }: OptimumOptions): object {
  return {
    title,
    law,
    active,
    optimum: optimalSparsity(law),
    ...(interval && { interval }),
    flat: { excess: FLAT, range: flatRange(law, FLAT) },
    curve: activeCurve(law, { active, sparsities }),
  };
}

/** What must be said beside the constants of a preset. */
export function presetNotes(name: PresetName): readonly string[] {
  const { source, paperOptimum, law } = PRESETS[name];
  const own = percent(optimalSparsity(law).sparsity);
  const notes = [`${name}: ${source}`];
  if (name !== 'paper-printed')
    return [
      ...notes,
      `the paper states ${percent(paperOptimum)}; its printed constants give ${percent(optimalSparsity(PRESETS['paper-printed'].law).sparsity)}`,
    ];
  return [
    ...notes,
    `they give ${own}; the paper's 45.58 % (full precision) and 61.25 % (1.58-bit weights) follow from constants that it does not print to enough digits: --preset paper-implied-full, paper-implied-ternary`,
  ];
}

/** 7e9 → 7.00B */
export function short(count: number): string {
  for (const [size, name] of [
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const)
    if (count >= size) return `${(count / size).toFixed(2)}${name}`;
  return String(Math.round(count));
}

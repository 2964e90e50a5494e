/** The four charts of a law: loss over S, loss over N, the optimum, and fitted against measured where there are points. */
import {
  activeCurve,
  type Intervals,
  lossAt,
  optimalSparsity,
  type ScalingLaw,
  type ScalingPoint,
} from '@qsparse/scaling';
import type { Chart, Series } from '../chart/figure.ts';
import { short } from './optimum-report.ts';

export interface LawToDraw {
  readonly name: string;
  readonly law: ScalingLaw;
  /** Empty for the constants of a preset. */
  readonly points: readonly ScalingPoint[];
  readonly intervals?: Intervals | undefined;
}

/** Sizes of the paper, for a law without points. */
const PAPER_SIZES = [3e8, 7e8, 1.3e9, 7e9];
const PAPER_SPARSITIES = [0, 0.4, 0.6, 0.8];
/** Lines of one chart; more cannot be told apart. */
const MOST_LINES = 6;
const STEPS = 120;

/** By file name, without its ending. */
export function lawCharts(drawn: LawToDraw): Readonly<Record<string, Chart>> {
  const charts = {
    'loss-over-sparsity': lossOverSparsity(drawn),
    'loss-over-size': lossOverSize(drawn),
    optimum: optimumChart(drawn),
  };
  return drawn.points.length > 0 ? { ...charts, fitted: fittedChart(drawn) } : charts;
}

const percent = (value: number): string => `${Number((100 * value).toFixed(4))} %`;
const plain = (value: number): string => String(Number(value.toPrecision(5)));
const LOSS = { label: 'loss L, nats a token', format: plain } as const;

function lossOverSparsity({ name, law, points }: LawToDraw): Chart {
  const sizes = someOf(
    points.map(({ parameters }) => parameters),
    PAPER_SIZES,
  );
  const most = Math.max(0.8, ...points.map(({ sparsity }) => sparsity));
  const series = sizes.flatMap((parameters, color): Series[] => [
    {
      label: `N = ${short(parameters)}`,
      kind: 'line',
      color,
      points: steps(0, most).map((sparsity) => [sparsity, lossAt(law, { parameters, sparsity })]),
    },
    dots(
      points.filter((point) => point.parameters === parameters).map(({ sparsity, loss }) => [sparsity, loss]),
      color,
    ),
  ]);
  return {
    title: 'Loss over sparsity',
    subtitle: subtitleOf(name, points),
    x: { label: 'sparsity S', format: percent },
    y: LOSS,
    series: series.filter((one) => one.points.length > 0),
  };
}

function lossOverSize({ name, law, points }: LawToDraw): Chart {
  const sparsities = someOf(
    points.map(({ sparsity }) => sparsity),
    PAPER_SPARSITIES,
  );
  const sizes = points.length > 0 ? points.map(({ parameters }) => parameters) : PAPER_SIZES;
  const [least, most] = [Math.log(Math.min(...sizes)), Math.log(Math.max(...sizes))];
  const series = sparsities.flatMap((sparsity, color): Series[] => [
    {
      label: `S = ${(100 * sparsity).toFixed(1)} %`,
      kind: 'line',
      color,
      points: steps(least, most).map((size) => [
        Math.exp(size),
        lossAt(law, { parameters: Math.exp(size), sparsity }),
      ]),
    },
    dots(
      points.filter((point) => point.sparsity === sparsity).map(({ parameters, loss }) => [parameters, loss]),
      color,
    ),
  ]);
  return {
    title: 'Loss over size',
    subtitle: subtitleOf(name, points),
    x: {
      label: 'parameters N',
      scale: 'log',
      format: (value) => short(value).replace(/\.?0+(?=[BMk]$)/, ''),
    },
    y: LOSS,
    series: series.filter((one) => one.points.length > 0),
  };
}

function optimumChart({ name, law, points, intervals }: LawToDraw): Chart {
  const sparsities = steps(0, 0.85);
  const curveOf = (one: ScalingLaw): readonly number[] =>
    activeCurve(one, { active: law.unit, sparsities }).map(({ excess }) => excess);
  const own = curveOf(law);
  const { sparsity, at } = optimalSparsity(law);
  const line: Series = {
    label: 'this law',
    kind: 'line',
    color: 0,
    points: sparsities.map((s, i) => [s, own[i]!]),
  };
  const band = intervals && bandOf(sparsities, intervals.laws.map(curveOf), intervals.level);
  return {
    title: 'Inference-optimal sparsity',
    subtitle: `${subtitleOf(name, points)}; active parameters N (1 − S) fixed`,
    x: { label: 'sparsity S', format: percent },
    y: { label: 'L − E above its minimum', format: percent },
    series: band ? [band, line] : [line],
    ...(at === 'inside' && { marker: { x: sparsity, label: `S* = ${(100 * sparsity).toFixed(2)} %` } }),
  };
}

function fittedChart({ name, law, points }: LawToDraw): Chart {
  const pairs = points.map((point): [number, number] => [point.loss, lossAt(law, point)]);
  const all = pairs.flat();
  const [least, most] = [Math.min(...all), Math.max(...all)];
  return {
    title: 'Fitted against measured',
    subtitle: subtitleOf(name, points),
    x: { label: 'measured loss, nats a token', format: plain },
    y: { label: 'fitted loss, nats a token', format: plain },
    series: [
      {
        label: 'equal',
        kind: 'dashed',
        color: 6,
        points: [
          [least, least],
          [most, most],
        ],
      },
      { label: 'models', kind: 'dots', color: 0, points: pairs },
    ],
  };
}

/** Between the quantiles of the level at each place. */
function bandOf(xs: readonly number[], curves: readonly (readonly number[])[], level: number): Series {
  const edge = (share: number): number[] =>
    xs.map((_, i) => {
      const sorted = curves.map((curve) => curve[i]!).sort((a, b) => a - b);
      return sorted[Math.round(share * (sorted.length - 1))]!;
    });
  const high = edge((1 + level) / 2);
  return {
    label: `${Number((100 * level).toPrecision(4))} % of resamples`,
    kind: 'band',
    color: 0,
    points: xs.map((x, i) => [x, high[i]!]),
    low: edge((1 - level) / 2),
  };
}

const dots = (points: readonly (readonly [number, number])[], color: number): Series => ({
  label: 'measured',
  kind: 'dots',
  color,
  points,
  listed: false,
});

/** Different values in order, thinned to what a chart can show. */
function someOf(measured: readonly number[], usual: readonly number[]): readonly number[] {
  const values = [...new Set(measured.length > 0 ? measured : usual)].sort((a, b) => a - b);
  if (values.length <= MOST_LINES) return values;
  return Array.from(
    { length: MOST_LINES },
    (_, i) => values[Math.round((i * (values.length - 1)) / (MOST_LINES - 1))]!,
  );
}

const steps = (from: number, to: number): readonly number[] =>
  Array.from({ length: STEPS + 1 }, (_, i) => from + ((to - from) * i) / STEPS);

const subtitleOf = (name: string, points: readonly ScalingPoint[]): string =>
  [name, points.length > 0 ? `${points.length} models` : 'no measurements']
    .filter((part) => part !== '')
    .join(', ');

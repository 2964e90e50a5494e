/** Numbers of a run over its steps, thinned to what a chart can show. */
import type { Series } from '../chart/line-chart.ts';
import type { Entry, Run } from './read-runs.ts';

type Point = readonly [x: number, y: number];

/** More points than this are not told apart in a chart. */
const POINTS = 400;

/** `name` over the steps; a step without it is left out. */
export function curveOf({ entries }: Run, name: string): readonly Point[] {
  return entries.flatMap((entry): Point[] => {
    const value = entry[name];
    return typeof value === 'number' ? [[entry.step, value]] : [];
  });
}

/** Means of equal parts of the curve: no value is skipped, and a spike stays visible as a rise. */
export function thinned(points: readonly Point[], most: number = POINTS): readonly Point[] {
  if (points.length <= most) return points;
  return Array.from({ length: most }, (_, i): Point => {
    const part = points.slice(
      Math.floor((i * points.length) / most),
      Math.floor(((i + 1) * points.length) / most),
    );
    const sum = part.reduce((total, [, y]) => total + y, 0);
    return [part.at(-1)![0], sum / part.length];
  });
}

/** Exponential mean with its start corrected (as in Adam, arXiv:1412.6980); `share` of the old mean is kept each step. */
export function smoothed(points: readonly Point[], share: number): readonly Point[] {
  let [mean, weight] = [0, 0];
  return points.map(([x, y]): Point => {
    if (!Number.isFinite(y)) return [x, y];
    mean = share * mean + (1 - share) * y;
    weight = share * weight + 1 - share;
    return [x, mean / weight];
  });
}

/** A noisy curve of each run: pale as it is, and its mean in full colour. */
export function noisySeries(runs: readonly Run[], name: string): readonly Series[] {
  return runs.flatMap((run, color) => {
    const points = curveOf(run, name);
    if (points.length === 0) return [];
    // A mean of about a fortieth of the run.
    const mean = thinned(smoothed(points, 1 - Math.min(0.3, 40 / points.length)));
    return [
      { name: '', points: thinned(points), color, form: 'faint' } as const,
      { name: run.name, points: mean, color },
    ];
  });
}

export function plainSeries(runs: readonly Run[], name: string): readonly Series[] {
  return runs.flatMap((run, color) => {
    const points = thinned(curveOf(run, name));
    return points.length > 0 ? [{ name: run.name, points, color }] : [];
  });
}

/** The last entry of each run that has `name` for several places, in the places' order. */
export function lastByPlace(runs: readonly Run[], name: string): readonly Series[] {
  return runs.flatMap((run, color) => {
    const last = run.entries.findLast((entry) => isByPlace(entry[name]));
    if (!last) return [];
    const values = Object.values(last[name] as Readonly<Record<string, number>>);
    return [{ name: `${run.name}, step ${last.step}`, points: values.map((y, x): Point => [x, y]), color }];
  });
}

/** Curves of one run by kind of place: `layers.3.down` counts for `down`; the mean over the layers. */
export function kindSeries({ entries }: Run, name: string): readonly Series[] {
  const kinds = new Map<string, Point[]>();
  for (const entry of entries) {
    const byPlace = entry[name];
    if (!isByPlace(byPlace)) continue;
    const sums = new Map<string, { sum: number; count: number }>();
    for (const [place, value] of Object.entries(byPlace)) {
      const kind = place.slice(place.lastIndexOf('.') + 1);
      const { sum, count } = sums.get(kind) ?? { sum: 0, count: 0 };
      sums.set(kind, { sum: sum + value, count: count + 1 });
    }
    for (const [kind, { sum, count }] of sums)
      kinds.set(kind, [...(kinds.get(kind) ?? []), [entry.step, sum / count]]);
  }
  return [...kinds].map(([kind, points]) => ({ name: kind, points: thinned(points) }));
}

const isByPlace = (value: Entry[string] | undefined): value is Readonly<Record<string, number>> =>
  typeof value === 'object' && value !== null;

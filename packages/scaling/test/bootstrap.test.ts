import { describe, expect, test } from 'vitest';
import {
  bootstrapFit,
  CONSTANTS,
  type ConstantName,
  fitLaw,
  type Interval,
  optimalSparsity,
  PRESETS,
  type ScalingLaw,
} from '../src/index.ts';
import { LAW, synthetic } from './synthetic.ts';

const holds = ({ low, high }: Interval, value: number): boolean => low <= value && value <= high;

/** In how many of `cases` noisy grids each interval holds the planted value. */
function coverage(law: ScalingLaw, cases: number, noise: number, level: number) {
  const hits = Object.fromEntries([...CONSTANTS, 'sparsity'].map((name) => [name, 0])) as Record<
    ConstantName | 'sparsity',
    number
  >;
  let widest = 0;
  for (let seed = 0; seed < cases; seed++) {
    const points = synthetic(law, { noise, seed: 5000 + seed });
    const fit = fitLaw(points, { unit: law.unit });
    const intervals = bootstrapFit(points, fit, { unit: law.unit, resamples: 40, level, seed });
    for (const name of CONSTANTS) hits[name] += Number(holds(intervals.constants[name], law[name]));
    hits.sparsity += Number(holds(intervals.sparsity, optimalSparsity(law).sparsity));
    widest = Math.max(widest, intervals.sparsity.high - intervals.sparsity.low);
  }
  return { hits, widest };
}

describe('intervals', () => {
  test('hold the planted constants and S* about as often as their level says', () => {
    const { hits, widest } = coverage(LAW, 16, 2e-3, 0.95);
    for (const [name, count] of Object.entries(hits))
      expect(count, `${name} of 16`).toBeGreaterThanOrEqual(13);
    // And are not so wide that this means nothing.
    expect(widest).toBeLessThan(0.05);
  });

  test('of half the level miss about half the time', () => {
    const { hits } = coverage(LAW, 16, 2e-3, 0.5);
    for (const [name, count] of Object.entries(hits)) {
      expect(count, `${name} of 16`).toBeGreaterThanOrEqual(3);
      expect(count, `${name} of 16`).toBeLessThanOrEqual(14);
    }
  });

  test('hold where B is next to nothing', () => {
    const { hits } = coverage({ ...PRESETS['paper-printed'].law, unit: 1e6 }, 4, 5e-4, 0.95);
    expect(hits.sparsity).toBeGreaterThanOrEqual(2);
    expect(hits.B).toBeGreaterThanOrEqual(2);
  });

  test('are the same for the same seed, and others for another', () => {
    const points = synthetic(LAW, { noise: 1e-3, seed: 5 });
    const fit = fitLaw(points);
    const of = (seed: number) => bootstrapFit(points, fit, { resamples: 12, seed }).sparsity;
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
  });

  test('of a fixed constant are that constant', () => {
    const points = synthetic(LAW, { noise: 1e-3 });
    const options = { fixed: { B: 0.6 }, unit: LAW.unit, resamples: 10 };
    const { constants } = bootstrapFit(points, fitLaw(points, options), options);
    expect(constants.B).toEqual({ low: 0.6, high: 0.6 });
    expect(constants.C.low).toBeLessThan(constants.C.high);
  });

  test('options out of range are refused', () => {
    const points = synthetic();
    const fit = fitLaw(points);
    expect(() => bootstrapFit(points, fit, { resamples: 3 })).toThrow(
      'resamples must be a whole number of at least 10',
    );
    expect(() => bootstrapFit(points, fit, { level: 1 })).toThrow('level must be between 0 and 1');
  });
});

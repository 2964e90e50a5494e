import { ValueError } from '@qsparse/core';
import {
  checkSchedule,
  checkSparsityWarmup,
  learningRateAt,
  type ScheduleOptions,
  sparsityAt,
  weightDecayAt,
} from '@qsparse/training';
import { expect, test } from 'vitest';

const schedule = (options: Partial<ScheduleOptions>): ScheduleOptions => ({
  kind: 'cosine',
  steps: 9,
  warmupSteps: 4,
  peak: 1,
  weightDecay: 0.1,
  ...options,
});
const rates = (options: Partial<ScheduleOptions>): number[] =>
  Array.from({ length: 9 }, (_, step) => learningRateAt(step, schedule(options)));
const close = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 12));

test('warm-up, then each shape, by hand', () => {
  const warmup = [0.25, 0.5, 0.75, 1];
  const r = Math.SQRT1_2;
  expect(rates({})).toEqual(close([...warmup, 1, 0.55 + 0.45 * r, 0.55, 0.55 - 0.45 * r, 0.1]));
  expect(rates({ kind: 'linear' })).toEqual(close([...warmup, 1, 0.775, 0.55, 0.325, 0.1]));
  expect(rates({ kind: 'linear', finalShare: 0 })).toEqual(close([...warmup, 1, 0.75, 0.5, 0.25, 0]));
  expect(rates({ kind: 'constant' })).toEqual(close([...warmup, 1, 1, 1, 1, 1]));
});

test('the two stages of BitNet: rate and decay drop together', () => {
  const options = schedule({ kind: 'two-stage', steps: 9, warmupSteps: 1, peak: 1.8e-3, secondPeak: 1.5e-3 });
  const at = (step: number) => [learningRateAt(step, options), weightDecayAt(step, options)];
  const line = (step: number) => 1 - (0.9 * (step - 1)) / 7;
  expect(at(0)).toEqual([1.8e-3, 0.1]);
  expect(at(4)).toEqual([expect.closeTo(1.8e-3 * line(4), 12), 0.1]);
  expect(at(5)).toEqual([expect.closeTo(1.5e-3 * line(5), 12), 0]);
  expect(at(8)).toEqual([expect.closeTo(1.5e-4, 12), 0]);
  const early = { ...options, stageShare: 0.25, secondPeak: undefined };
  expect([2, 3].map((step) => weightDecayAt(step, early))).toEqual([0.1, 0]);
  expect(learningRateAt(3, early)).toBeCloseTo(((2 * 1.8e-3) / 3) * line(3), 12);
  expect(weightDecayAt(8, schedule({}))).toBe(0.1);
});

test('the edges: one step, all warm-up, and steps past the end', () => {
  expect(learningRateAt(0, schedule({ steps: 1, warmupSteps: 0 }))).toBe(1);
  expect(learningRateAt(8, schedule({ warmupSteps: 9 }))).toBe(1);
  expect(learningRateAt(99, schedule({}))).toBeCloseTo(0.1, 12);
});

test('the sparsity staircase', () => {
  const warmup = { target: 0.6, warmupSteps: 8, levels: 4 };
  const stairs = Array.from({ length: 10 }, (_, step) => sparsityAt(step, warmup));
  expect(stairs).toEqual(close([0, 0, 0.15, 0.15, 0.3, 0.3, 0.45, 0.45, 0.6, 0.6]));
  expect(sparsityAt(0, { target: 0.6, warmupSteps: 0 })).toBe(0.6);
  expect(
    new Set(Array.from({ length: 100 }, (_, step) => sparsityAt(step, { target: 0.6, warmupSteps: 99 })))
      .size,
  ).toBe(9);
});

test.each<[Partial<ScheduleOptions>, string]>([
  [{ steps: 0 }, 'steps must be a whole number of at least 1, got 0'],
  [{ steps: 1.5 }, 'steps must be a whole number of at least 1, got 1.5'],
  [{ warmupSteps: -1 }, 'warmupSteps must be a whole number of at least 0, got -1'],
  [{ peak: 0 }, 'peak must be above 0, got 0'],
  [{ peak: Number.NaN }, 'peak must be above 0, got NaN'],
  [{ peak: Number.POSITIVE_INFINITY }, 'peak must be above 0, got Infinity'],
  [{ secondPeak: -1 }, 'secondPeak must be above 0, got -1'],
  [{ finalShare: 1.1 }, 'finalShare must be from 0 to 1, got 1.1'],
  [{ stageShare: -0.1 }, 'stageShare must be from 0 to 1, got -0.1'],
  [{ weightDecay: -1 }, 'weightDecay must be 0 or more, got -1'],
])('%j is refused', (wrong, message) => {
  checkSchedule(schedule({}));
  expect(() => checkSchedule(schedule(wrong))).toThrow(ValueError);
  expect(() => checkSchedule(schedule(wrong))).toThrow(`[schedule] ${message}`);
});

test.each([
  [{ target: 1, warmupSteps: 0 }, 'the target sparsity must be at least 0 and below 1, got 1'],
  [{ target: -0.1, warmupSteps: 0 }, 'got -0.1'],
  [{ target: 0.5, warmupSteps: -1 }, 'sparsity warmupSteps must be a whole number of at least 0, got -1'],
  [{ target: 0.5, warmupSteps: 1, levels: 0 }, 'sparsity levels must be a whole number of at least 1, got 0'],
])('the warm-up %j is refused', (wrong, message) => {
  expect(() => checkSparsityWarmup(wrong)).toThrow(message);
});

import { expect, test } from 'vitest';
import { fastestOf } from '../../src/matmul/trial.ts';

/** A clock that adds up what each run costs; `costs[i]` is candidate i's, or a function of how often it ran. */
function simulated(costs: readonly (number | ((run: number) => number))[], refused: readonly number[] = []) {
  let time = 0;
  const runs = costs.map(() => 0);
  const run = (index: number): number => {
    if (refused.includes(index)) return 15;
    const cost = costs[index]!;
    time += typeof cost === 'number' ? cost : cost(runs[index]!);
    runs[index]!++;
    return 0;
  };
  const clock = (work: () => void): number => {
    const start = time;
    work();
    return time - start;
  };
  return { run, clock, runs };
}

test('the fastest wins, with its time', () => {
  const { run, clock } = simulated([30, 10, 20]);
  expect(fastestOf(3, run, clock)).toEqual({ index: 1, microseconds: 10 });
});

test('near ties go to the one that was proposed first', () => {
  const { run, clock } = simulated([100, 99, 98.5]);
  expect(fastestOf(3, run, clock)?.index).toBe(0);
  const clear = simulated([100, 99, 97]);
  expect(fastestOf(3, clear.run, clear.clock)?.index).toBe(2);
});

test('the first run, which loads the kernel, does not count', () => {
  const { run, clock } = simulated([20, (before) => (before === 0 ? 5000 : 10)]);
  expect(fastestOf(2, run, clock)?.index).toBe(1);
});

test('one slow measurement of three does not count', () => {
  const { run, clock } = simulated([20, (before) => (before > 2 && before < 20 ? 300 : 10)]);
  expect(fastestOf(2, run, clock)?.index).toBe(1);
});

test('a hopeless candidate costs two runs, long work is not repeated', () => {
  const { run, clock, runs } = simulated([10_000, 40_000]);
  expect(fastestOf(2, run, clock)?.index).toBe(0);
  expect(runs).toEqual([2 + 3, 2]);
});

test('candidates that do not run are left out', () => {
  const { run, clock } = simulated([10, 20, 30], [0]);
  expect(fastestOf(3, run, clock)?.index).toBe(1);
  const none = simulated([10, 20], [0, 1]);
  expect(fastestOf(2, none.run, none.clock)).toBeUndefined();
  expect(fastestOf(0, none.run, none.clock)).toBeUndefined();
});

test('a clock that shows nothing still ends', () => {
  const { run } = simulated([1, 1]);
  expect(fastestOf(2, run, () => 0)).toEqual({ index: 0, microseconds: 0 });
});

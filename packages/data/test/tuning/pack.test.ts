import { PackingError } from '@qsparse/data';
import {
  countPackedRows,
  type Example,
  evaluationPacks,
  evaluationPairs,
  fingerprintExamples,
  type Pair,
  packExamples,
  pairBatches,
  splitExamples,
} from '@qsparse/data/tuning';
import { describe, expect, test } from 'vitest';

/** Example n: tokens n, n, …; the first target does not count. */
const example = (n: number, length: number): Example => ({
  tokens: new Int32Array(length).fill(n),
  targets: new Int32Array(length).fill(n + 100).fill(-1, 0, 1),
});
const EXAMPLES = [3, 5, 2, 8, 4, 4, 7, 1, 2, 6].map((length, n) => example(n + 1, length));
const OPTIONS = { batchSize: 2, rowLength: 8, seed: 3 };

function epochOf(batches: ReturnType<typeof packExamples>) {
  const rows = countPackedRows(EXAMPLES, OPTIONS, 1);
  const all = [];
  for (let i = 0; i < rows; i += OPTIONS.batchSize) all.push(batches.next());
  return all;
}

test('an epoch holds every example whole and once, in one row, and first is where it begins', () => {
  const seen = new Map<number, number>();
  for (const { tokens, targets, more, shape } of epochOf(packExamples(EXAMPLES, OPTIONS)).slice(0, -1)) {
    expect(shape).toEqual([2, 8]);
    for (let i = 0; i < tokens.length; i++) {
      const start = more.first[i]!;
      expect(start).toBeLessThanOrEqual(i % 8);
      const n = tokens[i]!;
      if (n === 0) expect([targets[i], start]).toEqual([-1, i % 8]);
      else {
        const row = 8 * Math.floor(i / 8);
        for (let j = row + start; j <= i; j++) expect(tokens[j]).toBe(n);
        expect(targets[i]).toBe(start === i % 8 ? -1 : n + 100);
        if (start === i % 8) seen.set(n, (seen.get(n) ?? 0) + 1);
      }
    }
  }
  for (const count of seen.values()) expect(count).toBe(1);
  expect(seen.size).toBeGreaterThan(5);
  // 42 tokens in rows of 8: first fit wastes little.
  expect(countPackedRows(EXAMPLES, OPTIONS, 1)).toBeLessThanOrEqual(7);
});

test('going on from a position gives the batches that would have followed, across epochs too', () => {
  const whole = packExamples(EXAMPLES, OPTIONS);
  const expected = Array.from({ length: 12 }, () => ({ position: whole.position, batch: whole.next() }));
  for (const [i, { position }] of expected.entries()) {
    const rest = packExamples(EXAMPLES, { ...OPTIONS, position: JSON.parse(JSON.stringify(position)) });
    for (const { batch } of expected.slice(i)) expect(rest.next()).toEqual(batch);
  }
  expect(expected.at(-1)!.position.epoch).toBeGreaterThan(1);
  const other = packExamples(EXAMPLES, { ...OPTIONS, seed: 4 });
  expect(other.next()).not.toEqual(expected[0]!.batch);
});

test('an evaluation counts every target once, in order, in batches of one shape', () => {
  const batches = [...evaluationPacks(EXAMPLES, OPTIONS)];
  const counted = batches.flatMap(({ targets }) => [...targets].filter((target) => target >= 0));
  expect(counted).toHaveLength(42 - 10);
  expect(batches.reduce((sum, { predicted }) => sum + predicted, 0)).toBe(32);
  for (const { tokens } of batches) expect(tokens).toHaveLength(16);
  expect([...evaluationPacks(EXAMPLES, { ...OPTIONS, maxBatches: 1 })]).toEqual(batches.slice(0, 1));
});

describe('refused', () => {
  test.each<[string, () => unknown, string]>([
    ['nothing', () => packExamples([], OPTIONS), 'there is no example'],
    [
      'one that is too long',
      () => packExamples([example(1, 9)], OPTIONS),
      'a row has 8 tokens, the longest example 9',
    ],
    [
      'a row of no epoch',
      () => packExamples(EXAMPLES, { ...OPTIONS, position: { epoch: 0, row: 99 } }),
      'got epoch 0, row 99',
    ],
    [
      'an epoch that is none',
      () => packExamples(EXAMPLES, { ...OPTIONS, position: { epoch: -1, row: 0 } }),
      'got epoch -1',
    ],
    ['no pairs', () => pairBatches([], OPTIONS), 'there is no pair'],
    ['long pairs', () => pairBatches([pairOf(1, 9)], OPTIONS), 'the longest answer with its prompt 9'],
  ])('%s', (_, run, message) => {
    expect(run).toThrow(PackingError);
    expect(run).toThrow(message);
  });
});

test('the identity tells contents, order and what counts', () => {
  const [a, b] = [example(1, 3), example(2, 4)];
  const ids = [[a, b], [b, a], [a], [{ ...a, targets: a.targets.slice().fill(-1) }, b]].map(
    fingerprintExamples,
  );
  expect(new Set(ids).size).toBe(4);
  expect(fingerprintExamples([example(1, 3), example(2, 4)])).toBe(ids[0]);
});

function pairOf(n: number, length: number): Pair {
  return { chosen: example(n, length), rejected: example(n + 50, 2), reference: [n / 2, -n] };
}

test('pairs: chosen above rejected, with counts and reference, every one once an epoch', () => {
  const pairs = [3, 6, 4, 5].map((length, i) => pairOf(i + 1, length));
  const batches = pairBatches(pairs, OPTIONS);
  const [one, two] = [batches.next(), batches.next()];
  const seen = [one, two].flatMap(({ tokens, more }) =>
    [0, 1].map((i) => {
      const n = tokens[16 * i]!;
      expect(tokens[16 * i + 8]).toBe(n + 50);
      expect([...more.reference.subarray(2 * i, 2 * i + 2)]).toEqual([n / 2, -n]);
      expect([...more.counts.subarray(2 * i, 2 * i + 2)]).toEqual([
        pairs[n - 1]!.chosen.tokens.length - 1,
        1,
      ]);
      return n;
    }),
  );
  expect(seen.sort()).toEqual([1, 2, 3, 4]);
  expect(one.shape).toEqual([4, 8]);
  const rest = pairBatches(pairs, { ...OPTIONS, position: batches.position });
  expect(rest.next()).toEqual(batches.next());
  expect([...evaluationPairs(pairs.slice(0, 3), OPTIONS)].map(({ predicted }) => predicted)).toEqual([2]);
  expect([...evaluationPairs(pairs.slice(0, 1), OPTIONS)].map(({ predicted }) => predicted)).toEqual([1]);
});

test('a split holds back a share by the seed, at least one and not all', () => {
  const all = Array.from({ length: 20 }, (_, i) => i);
  const { train, validation } = splitExamples(all, { validationFraction: 0.2, seed: 5 });
  expect(validation).toHaveLength(4);
  expect([...train, ...validation].sort((a, b) => a - b)).toEqual(all);
  expect(train).toEqual([...train].sort((a, b) => a - b));
  expect(splitExamples(all, { validationFraction: 0.2, seed: 6 }).validation).not.toEqual(validation);
  expect(splitExamples([1, 2], { validationFraction: 0.01 }).validation).toHaveLength(1);
  expect(splitExamples([1, 2], { validationFraction: 0.99 }).train).toHaveLength(1);
  expect(() => splitExamples([1], { validationFraction: 0.5 })).toThrow(PackingError);
});

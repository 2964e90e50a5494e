import { toAdjacentPairs, toHalfPairs } from '@qsparse/formats/gguf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';

test('two heads of four rows: halves are interleaved inside of each head', () => {
  const rows = Float32Array.of(0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15, 6, 16, 7, 17);
  const expected = Float32Array.of(0, 10, 2, 12, 1, 11, 3, 13, 4, 14, 6, 16, 5, 15, 7, 17);
  expect(toAdjacentPairs(rows, 2, 8)).toEqual(expected);
  expect(toHalfPairs(expected, 2, 8)).toEqual(rows);
});

test('each is the inverse of the other, for weights, biases and blocks, and leaves its argument alone', () => {
  const sizes = fc.record({
    heads: fc.integer({ min: 1, max: 4 }),
    half: fc.integer({ min: 1, max: 5 }),
    columns: fc.nat(3),
  });
  fc.assert(
    fc.property(sizes, ({ heads, half, columns }) => {
      const rowCount = heads * half * 2;
      const rows = Uint8Array.from({ length: rowCount * columns }, (_, i) => i * 7);
      const before = rows.slice();
      const moved = toAdjacentPairs(rows, heads, rowCount);
      expect(toHalfPairs(moved, heads, rowCount)).toEqual(rows);
      expect(toAdjacentPairs(toHalfPairs(rows, heads, rowCount), heads, rowCount)).toEqual(rows);
      expect(rows).toEqual(before);
    }),
  );
});

/** What rotary positions make of the dot product of a query and a key, with pairs `(first(i), second(i))`. */
function score(
  query: Float32Array,
  key: Float32Array,
  distance: number,
  pair: (i: number) => [number, number],
): number {
  const half = query.length / 2;
  let sum = 0;
  for (let i = 0; i < half; i++) {
    const angle = distance * 10_000 ** (-i / half);
    const [a, b] = pair(i);
    const turned = [
      query[a]! * Math.cos(angle) - query[b]! * Math.sin(angle),
      query[a]! * Math.sin(angle) + query[b]! * Math.cos(angle),
    ];
    sum += turned[0]! * key[a]! + turned[1]! * key[b]!;
  }
  return sum;
}

test('neighbouring pairs on moved rows give the scores of half pairs on rows as they were', () => {
  const query = Float32Array.from({ length: 8 }, (_, i) => Math.sin(3 * i + 1));
  const key = Float32Array.from({ length: 8 }, (_, i) => Math.cos(5 * i + 2));
  for (const distance of [0, 1, 17]) {
    const expected = score(query, key, distance, (i) => [i, i + 4]);
    const got = score(toAdjacentPairs(query, 1, 8), toAdjacentPairs(key, 1, 8), distance, (i) => [
      2 * i,
      2 * i + 1,
    ]);
    expect(got).toBeCloseTo(expected, 6);
  }
});

test('heads that do not fit are refused', async () => {
  for (const [length, heads, rowCount] of [
    [12, 5, 12],
    [6, 2, 6],
    [7, 1, 4],
    [4, 0, 4],
    [0, 1, 0],
  ] as const) {
    await failure(() => toAdjacentPairs(new Float32Array(length), heads, rowCount), 'shape');
    await failure(() => toHalfPairs(new Float32Array(length), heads, rowCount), 'shape');
  }
});

import { describe, expect, test } from 'vitest';
import { batchesOf } from '../../src/eval/batches.ts';
import type { ScoreRequest } from '../../src/eval/scorer.ts';

const tokens = (length: number, first = 0) => Array.from({ length }, (_, i) => first + i);

const rowsOf = (requests: readonly ScoreRequest[], limits: { tokens: number; rows: number }) =>
  batchesOf(requests, { ...limits, shared: 1000 }).map(({ prefix, rows }) => {
    expect(prefix).toEqual([]);
    return rows;
  });

describe('batchesOf', () => {
  test('requests that read the same tokens share a row', () => {
    const context = [1, 2, 3];
    const [batch, ...others] = rowsOf(
      [
        { context, continuation: [7] },
        { context, continuation: [8] },
        { context: [1, 2], continuation: [3, 9] },
      ],
      { tokens: 100, rows: 10 },
    );
    expect(others).toEqual([]);
    expect(batch).toEqual([
      {
        tokens: context,
        requests: 3,
        picks: [
          { request: 0, position: 2, target: 7 },
          { request: 1, position: 2, target: 8 },
          { request: 2, position: 1, target: 3 },
          { request: 2, position: 2, target: 9 },
        ],
      },
    ]);
  });

  test('rows of like length come together, padding counts, nothing is lost', () => {
    const lengths = [3, 40, 5, 41, 4, 2, 39];
    const requests = lengths.map((length, i) => ({ context: tokens(length, 100 * i), continuation: [1] }));
    const batches = rowsOf(requests, { tokens: 84, rows: 3 });
    expect(batches.map((batch) => batch.map((row) => row.tokens.length))).toEqual([
      [41, 40],
      [39, 5],
      [4, 3, 2],
    ]);
    const seen = batches.flat().flatMap(({ picks }) => picks.map(({ request }) => request));
    expect(seen.sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test('a row longer than a batch is a batch of its own', () => {
    const batches = rowsOf([{ context: tokens(50), continuation: [1] }], { tokens: 10, rows: 4 });
    expect(batches).toHaveLength(1);
  });

  test('a long context is read once for all that follows it', () => {
    const context = tokens(30);
    const requests = [
      { context, continuation: [7, 8] },
      { context: [1, 2], continuation: [3] },
      { context, continuation: [9] },
      { context, continuation: [7, 9] },
    ];
    const [single, shared, ...others] = batchesOf(requests, { tokens: 100, rows: 10, shared: 29 });
    expect(others).toEqual([]);
    expect(single).toMatchObject({ prefix: [], rows: [{ tokens: [1, 2] }] });
    expect(shared).toEqual({
      prefix: tokens(29),
      rows: [
        {
          tokens: [29, 7],
          requests: 2,
          picks: [
            { request: 0, position: 0, target: 7 },
            { request: 0, position: 1, target: 8 },
            { request: 3, position: 0, target: 7 },
            { request: 3, position: 1, target: 9 },
          ],
        },
        { tokens: [29], requests: 1, picks: [{ request: 2, position: 0, target: 9 }] },
      ],
    });
    expect(batchesOf(requests, { tokens: 100, rows: 10, shared: 30 })).toHaveLength(1);
  });
});

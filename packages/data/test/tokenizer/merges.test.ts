import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMerger, type Merge, pairKey } from '../../src/tokenizer/merges.ts';

/** By the definition: look for the lowest rank from the left, merge once, begin again. */
function plainly(ids: readonly number[], merges: readonly Merge[]): number[] {
  const result = [...ids];
  for (;;) {
    let best = { rank: merges.length, at: -1 };
    for (let at = 0; at + 1 < result.length; at++) {
      const rank = merges.findIndex(({ left, right }) => left === result[at] && right === result[at + 1]);
      if (rank >= 0 && rank < best.rank) best = { rank, at };
    }
    if (best.at < 0) return result;
    result.splice(best.at, 2, merges[best.rank]!.result);
  }
}

function merged(ids: readonly number[], merges: readonly Merge[]): number[] {
  const array = Int32Array.from(ids);
  return [...array.subarray(0, createMerger(merges)(array))];
}

/** Letters 0 to 2 and tokens from 3 on, each made of earlier ones; the order of ranks is free, no pair comes twice. */
const someMerges = fc
  .array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 8 })
  .map((pairs) =>
    pairs.map(([a, b], made) => ({ left: a % (3 + made), right: b % (3 + made), result: 3 + made })),
  )
  .map((all) => [...new Map(all.map((merge) => [pairKey(merge.left, merge.right), merge])).values()])
  .chain((merges) => fc.shuffledSubarray(merges));

describe('createMerger', () => {
  it('does what the definition says', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2), { maxLength: 24 }), someMerges, (ids, merges) => {
        expect(merged(ids, merges)).toEqual(plainly(ids, merges));
      }),
      { numRuns: 1000 },
    );
  });

  it('goes from left to right where occurrences overlap', () => {
    const merges = [{ left: 0, right: 0, result: 1 }];
    expect(merged([0, 0, 0], merges)).toEqual([1, 0]);
    expect(merged([0, 0, 0, 0, 0], merges)).toEqual([1, 1, 0]);
    expect(merged([], merges)).toEqual([]);
    expect(merged([0], merges)).toEqual([0]);
  });

  it('is quick on one long run', () => {
    const merges = [
      { left: 0, right: 1, result: 2 },
      { left: 2, right: 2, result: 3 },
    ];
    const ids = Int32Array.from({ length: 400_000 }, (_, at) => at % 2);
    const started = performance.now();
    expect(createMerger(merges)(ids)).toBe(100_000);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('pairKey', () => {
  it('tells the largest pairs apart', () => {
    const top = 2 ** 24 - 1;
    const keys = [pairKey(top, top), pairKey(top, top - 1), pairKey(top - 1, top), pairKey(top - 1, top - 1)];
    expect(new Set(keys).size).toBe(4);
    expect(keys.every(Number.isSafeInteger)).toBe(true);
  });
});

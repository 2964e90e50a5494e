import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPairTable, type Pair } from '../../src/tokenizer/pair-table.ts';

type Words = { ids: number[]; frequency: number }[];

/** Counts everything anew. */
function bestPair(words: Words): Pair | undefined {
  const counts = new Map<string, Pair>();
  for (const { ids, frequency } of words) {
    for (let at = 0; at + 1 < ids.length; at++) {
      const [left, right] = [ids[at]!, ids[at + 1]!];
      const count = (counts.get(`${left},${right}`)?.count ?? 0) + frequency;
      counts.set(`${left},${right}`, { left, right, count });
    }
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || a.left - b.left || a.right - b.right)[0];
}

function mergeAll(words: Words, { left, right }: Pair, result: number): void {
  for (const { ids } of words) {
    for (let at = 0; at + 1 < ids.length; at++) {
      if (ids[at] === left && ids[at + 1] === right) ids.splice(at, 2, result);
    }
  }
}

describe('createPairTable', () => {
  it('chooses what counting anew would choose, merge after merge', () => {
    const word = fc
      .array(fc.constantFrom('a', 'a', 'b', 'c'), { minLength: 1, maxLength: 14 })
      .map((list) => list.join(''));
    fc.assert(
      fc.property(fc.dictionary(word, fc.integer({ min: 1, max: 4 }), { maxKeys: 8 }), (frequencies) => {
        const table = createPairTable(new Map(Object.entries(frequencies)));
        const words = Object.entries(frequencies).map(([text, frequency]) => ({
          ids: [...Buffer.from(text)],
          frequency,
        }));
        for (let result = 256; result < 276; result++) {
          const expected = bestPair(words);
          const pair = table.takeBest();
          expect(pair && { left: pair.left, right: pair.right, count: pair.count }).toEqual(expected);
          if (!pair || !expected) return;
          mergeAll(words, expected, result);
          table.merge(pair, result);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('goes from left to right where occurrences overlap', () => {
    const table = createPairTable(new Map([['aaaaa', 1]]));
    expect(table.takeBest()).toMatchObject({ left: 97, right: 97, count: 4 });
    table.merge({ left: 97, right: 97, count: 4 }, 256);
    expect(table.takeBest()).toMatchObject({ left: 256, right: 97, count: 1 });
    expect(table.takeBest()).toMatchObject({ left: 256, right: 256, count: 1 });
  });

  it('gives a pair that was not merged no second time', () => {
    const table = createPairTable(new Map([['abab', 3]]));
    expect(table.takeBest()).toMatchObject({ left: 97, right: 98, count: 6 });
    expect(table.takeBest()).toMatchObject({ left: 98, right: 97, count: 3 });
    expect(table.takeBest()).toBeUndefined();
  });
});

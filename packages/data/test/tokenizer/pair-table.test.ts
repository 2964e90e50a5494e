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
        // By spelling, so that two ways to one token end in one id.
        const spellings = new Map<number, string>();
        const spell = (id: number): string => spellings.get(id) ?? String.fromCharCode(id);
        const made = new Map<string, number>();
        for (let step = 0; step < 20; step++) {
          const expected = bestPair(words);
          const pair = table.best();
          expect(pair && { left: pair.left, right: pair.right, count: pair.count }).toEqual(expected);
          if (!pair || !expected) return;
          const spelling = spell(pair.left) + spell(pair.right);
          const result = made.get(spelling) ?? 256 + made.size;
          made.set(spelling, result);
          spellings.set(result, spelling);
          mergeAll(words, expected, result);
          table.merge(pair, result);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('goes from left to right also where one id came about in two ways', () => {
    const table = createPairTable(new Map([['cdabab', 1]]));
    table.merge({ left: 97, right: 98, count: 2 }, 300);
    table.merge({ left: 99, right: 100, count: 1 }, 300);
    table.merge({ left: 300, right: 300, count: 2 }, 301);
    expect(table.best()).toMatchObject({ left: 301, right: 300, count: 1 });
  });

  it('asks without changing anything', () => {
    const table = createPairTable(new Map([['abab', 3]]));
    expect(table.best()).toMatchObject({ left: 97, right: 98, count: 6 });
    expect(table.best()).toMatchObject({ left: 97, right: 98, count: 6 });
  });

  it('offers an excluded pair no more', () => {
    const table = createPairTable(new Map([['abab', 3]]));
    table.exclude(table.best()!);
    expect(table.best()).toMatchObject({ left: 98, right: 97, count: 3 });
    table.exclude(table.best()!);
    expect(table.best()).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { permutation, philox4x32, randomBelow } from '../../src/packing/random.ts';

describe('philox4x32', () => {
  // Known answers published with Random123 (kat_vectors, philox4x32 with 10 rounds).
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('of %j', (counter, key, words) => {
    expect(philox4x32(counter, key)).toEqual(words);
  });
});

describe('randomBelow', () => {
  it('stays below the bound and takes every value alike', () => {
    const counts = new Array<number>(7).fill(0);
    for (let index = 0; index < 14_000; index++) counts[randomBelow(7, 1, 0, index)]! += 1;
    // Six degrees of freedom: above 22.5 once in a thousand seeds.
    expect(counts.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0)).toBeLessThan(22.5);
    expect(counts).toHaveLength(7);
  });

  it('tells large seeds, streams and indices apart', () => {
    const draw = (seed: number, stream: number, index: number) => randomBelow(2 ** 50, seed, stream, index);
    const big = 2 ** 53 - 1;
    const draws = [
      draw(0, 0, 0),
      draw(big, 0, 0),
      draw(2 ** 32, 0, 0),
      draw(0, big, 0),
      draw(0, 2 ** 32, 0),
      draw(0, 0, 2 ** 32),
    ];
    expect(new Set(draws).size).toBe(draws.length);
  });
});

describe('permutation', () => {
  it('holds every number once, in the same order for ever', () => {
    expect([...permutation(10, 42, 0)]).toEqual([...permutation(10, 42, 0)]);
    expect([...permutation(1000, 7, 3)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 1000 }, (_, index) => index),
    );
    expect([...permutation(1, 7, 3)]).toEqual([0]);
    expect([...permutation(0, 7, 3)]).toEqual([]);
  });

  it('is another for another seed or stream', () => {
    const orders = [permutation(50, 1, 0), permutation(50, 1, 1), permutation(50, 2, 0)].map(String);
    expect(new Set(orders).size).toBe(3);
  });

  it('prefers no order', () => {
    const counts = new Map<string, number>();
    for (let stream = 0; stream < 6000; stream++) {
      const order = String(permutation(3, 5, stream));
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    // Five degrees of freedom: above 20.5 once in a thousand seeds.
    expect([...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(
      20.5,
    );
  });
});

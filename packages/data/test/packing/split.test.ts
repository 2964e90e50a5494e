import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SplitOptions, splitTokens } from '../../src/packing/split.ts';

const END = 0;

/** Documents of these lengths, each filled with its own number and ended. */
function documents(lengths: readonly number[]): Uint16Array {
  return Uint16Array.from(
    lengths.flatMap((length, index) => [...new Array<number>(length - 1).fill(index + 1), END]),
  );
}

const split = (tokens: Uint16Array, options: Partial<SplitOptions> = {}) =>
  splitTokens(tokens, { validationFraction: 0.1, endOfText: END, ...options });

const numbers = (tokens: ArrayLike<number>): number[] =>
  [...new Set(Array.from(tokens))].filter((token) => token !== END);

describe('splitTokens', () => {
  it('holds back whole documents of about the share, in their order', () => {
    const tokens = documents(Array.from({ length: 100 }, (_, index) => 50 + ((index * 37) % 100)));
    const { train, validation, level } = split(tokens);
    expect(level).toBe('document');
    expect(train.length + validation.length).toBe(tokens.length);
    expect(Math.abs(validation.length / tokens.length - 0.1)).toBeLessThan(0.01);
    const held = numbers(validation);
    expect(numbers(train).filter((number) => held.includes(number))).toEqual([]);
    expect([...numbers(train), ...held].sort((a, b) => a - b)).toEqual(numbers(tokens));
    expect(held).toEqual(held.toSorted((a, b) => a - b));
    expect([train.at(-1), validation.at(-1)]).toEqual([END, END]);
  });

  it('is decided by the seed', () => {
    const tokens = documents(new Array<number>(50).fill(20));
    expect(split(tokens, { seed: 1 })).toEqual(split(tokens, { seed: 1 }));
    expect(numbers(split(tokens, { seed: 1 }).validation)).not.toEqual(
      numbers(split(tokens, { seed: 2 }).validation),
    );
  });

  it('cuts the end off one long document, and off uneven ones', () => {
    for (const tokens of [
      documents([1000]),
      Uint16Array.from({ length: 1000 }, () => 7),
      documents([500, 500]),
    ]) {
      const { train, validation, level } = split(tokens);
      expect(level).toBe('token');
      expect([train.length, validation.length]).toEqual([900, 100]);
      expect([...train, ...validation]).toEqual([...tokens]);
    }
  });

  it('does as told', () => {
    const two = documents([700, 300]);
    expect(split(two, { level: 'document' }).validation).toEqual(documents([700, 300]).slice(700));
    expect(split(documents(new Array<number>(50).fill(20)), { level: 'token' }).level).toBe('token');
    expect(() => split(documents([1000]), { level: 'document' })).toThrow(
      expect.objectContaining({ code: 'too-short', message: expect.stringContaining('the data has 1') }),
    );
  });

  it('loses and doubles nothing, in new arrays', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 });
    const fraction = fc.double({ min: 0.01, max: 0.99, noNaN: true });
    fc.assert(
      fc.property(lengths, fraction, fc.nat(), fc.boolean(), (list, validationFraction, seed, tail) => {
        const tokens = Uint16Array.from([...documents(list), ...(tail ? [99, 99, 99] : []), 98]);
        fc.pre(Math.round(tokens.length * validationFraction) % tokens.length !== 0);
        const { train, validation } = split(tokens, { validationFraction, seed });
        expect(Math.min(train.length, validation.length)).toBeGreaterThan(0);
        expect([...train, ...validation].sort()).toEqual([...tokens].sort());
        expect(train.buffer).not.toBe(tokens.buffer);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses shares that leave nothing', () => {
    for (const validationFraction of [0, 1, -0.1, 1.1, Number.NaN]) {
      expect(() => split(documents([100]), { validationFraction })).toThrow(
        expect.objectContaining({ code: 'value' }),
      );
    }
    expect(() => split(Uint16Array.of(5, 5))).toThrow(expect.objectContaining({ code: 'too-short' }));
    expect(() => split(new Uint16Array(0))).toThrow(expect.objectContaining({ code: 'too-short' }));
    expect(() => split(documents([100]), { seed: -1 })).toThrow(expect.objectContaining({ code: 'value' }));
  });
});

import { type Llama3Scaling, llama3RopeFactors, llama3ScalingOf } from '@qsparse/formats/gguf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';

const LLAMA_31: Llama3Scaling = {
  factor: 8,
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
  originalLength: 8192,
};
const SHAPE = { ropeTheta: 500_000, headSize: 128 };

test('short wavelengths stay, long ones are divided by the factor, between them it rises', () => {
  const factors = llama3RopeFactors(LLAMA_31, SHAPE);
  expect(factors.length).toBe(64);
  const wavelengths = factors.map((_, i) => 2 * Math.PI * 500_000 ** (i / 64));
  for (const [i, wavelength] of wavelengths.entries()) {
    if (wavelength < 2048) expect(factors[i]).toBe(1);
    if (wavelength > 8192) expect(factors[i]).toBe(8);
    if (i > 0) expect(factors[i]).toBeGreaterThanOrEqual(factors[i - 1]!);
  }
  // By hand: wavelength 2 pi 500000^(30/64) = 2948.85, s = (8192 / 2948.85 - 1) / 3 = 0.5927.
  expect(factors[30]).toBeCloseTo(1 / ((1 - 0.59268) / 8 + 0.59268), 3);
});

describe('parameters from the tensor', () => {
  test.each([
    ['Llama 3.1', LLAMA_31, SHAPE],
    ['Llama 3.2', { ...LLAMA_31, factor: 32 }, { ropeTheta: 500_000, headSize: 64 }],
    ['other lengths', { ...LLAMA_31, factor: 4, originalLength: 64 }, { ropeTheta: 10_000, headSize: 32 }],
    ['another high frequency factor', { ...LLAMA_31, highFrequencyFactor: 2.5, originalLength: 1000 }, SHAPE],
  ])('%s: the same ones', (_, scaling, shape) => {
    expect(llama3ScalingOf(llama3RopeFactors(scaling, shape), shape)).toEqual(scaling);
  });

  test('any: such that they give the same tensor', () => {
    const scalings = fc.record({
      factor: fc.integer({ min: 2, max: 64 }),
      lowFrequencyFactor: fc.integer({ min: 1, max: 3 }),
      highFrequencyFactor: fc.integer({ min: 4, max: 12 }),
      originalLength: fc.integer({ min: 16, max: 20_000 }),
    });
    const shapes = fc.record({
      ropeTheta: fc.constantFrom(10_000, 500_000),
      headSize: fc.constantFrom(8, 16, 64, 128),
    });
    fc.assert(
      fc.property(scalings, shapes, (scaling, shape) => {
        const factors = llama3RopeFactors(scaling, shape);
        const back = llama3RopeFactors(llama3ScalingOf(factors, shape), shape);
        for (const [i, factor] of factors.entries())
          expect(Math.abs(back[i]! / factor - 1)).toBeLessThan(2e-5);
      }),
    );
  });

  test('other factors, and another number of them, are refused', async () => {
    const factors = llama3RopeFactors(LLAMA_31, SHAPE);
    for (const wrong of [
      factors.slice(1),
      factors.map((x, i) => (i === 10 ? 2 : x)),
      factors.fill(Number.NaN),
      new Float32Array(),
    ]) {
      await failure(() => llama3ScalingOf(wrong, SHAPE), 'value');
    }
  });
});

import {
  type RopeScaling,
  ropeAttentionFactor,
  ropeFrequencies,
  ropeTable,
  ShapeError,
  ValueError,
} from '@qsparse/core';
import { expect, test } from 'vitest';

const frequencies = (headDim: number, theta: number, scaling?: RopeScaling, length = 1) =>
  Array.from(ropeFrequencies({ headDim, length, theta, scaling }));
const close = (got: number, expected: number) => expect(got / expected).toBeCloseTo(1, 13);

test('entry (t, i) is the cosine and sine of t · theta^(-2i / D)', () => {
  const table = ropeTable({ headDim: 4, length: 3, theta: 100 });
  expect(table.length).toBe(3 * 2 * 2);
  for (let t = 0; t < 3; t++) {
    for (const [i, frequency] of [1, 0.1].entries()) {
      expect(table[(t * 2 + i) * 2]).toBeCloseTo(Math.cos(t * frequency), 15);
      expect(table[(t * 2 + i) * 2 + 1]).toBeCloseTo(Math.sin(t * frequency), 15);
    }
  }
  expect(frequencies(2, 1e4)).toEqual([1]);
});

test('linear divides every frequency', () => {
  const plain = frequencies(8, 1e4);
  expect(frequencies(8, 1e4, { kind: 'linear', factor: 4 })).toEqual(plain.map((f) => f / 4));
});

test('dynamic leaves the trained length alone and stretches the slowest pair by the excess beyond it', () => {
  const scaling: RopeScaling = { kind: 'dynamic', factor: 2, originalLength: 2048 };
  const plain = frequencies(64, 1e4);
  expect(frequencies(64, 1e4, scaling, 2048)).toEqual(plain);
  const longer = frequencies(64, 1e4, scaling, 4096);
  expect(longer[0]).toBe(1);
  close(longer[1]!, 0.7237840223942559); // theta 31082.236667168814
  close(longer[31]!, plain[31]! / (2 * 2 - 1));
});

/** Llama 3.1: factor 8 over 8192 positions, head size 128, theta 500000. */
const llama: RopeScaling = {
  kind: 'llama3',
  factor: 8,
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
  originalLength: 8192,
};

test('llama3 keeps short wavelengths, stretches long ones and joins them smoothly', () => {
  const plain = frequencies(128, 5e5);
  const scaled = frequencies(128, 5e5, llama);
  plain.forEach((frequency, i) => {
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength < 8192 / 4) expect(scaled[i]).toBe(frequency);
    else if (wavelength > 8192) expect(scaled[i]).toBe(frequency / 8);
    else {
      const smooth = (8192 / wavelength - 1) / (4 - 1);
      close(scaled[i]!, ((1 - smooth) * frequency) / 8 + smooth * frequency);
    }
  });
  expect(scaled[28]).toBe(plain[28]);
  close(scaled[29]!, 0.002166570763503359);
  close(scaled[32]!, 0.0005248461609929547);
  expect(scaled[35]).toBe(plain[35]! / 8);
});

test('yarn keeps fast pairs, stretches slow ones and ramps over the pairs between', () => {
  const scaling: RopeScaling = { kind: 'yarn', factor: 4, originalLength: 32768 };
  const plain = frequencies(128, 1e6);
  const scaled = frequencies(128, 1e6, scaling);
  // Pairs 23 (floor of 23.6) and 40 (ceiling of 39.7) turn 32 times and once over 32768 positions.
  for (const i of [0, 20, 23]) expect(scaled[i]).toBe(plain[i]);
  close(scaled[24]!, 0.005375321490790102);
  close(scaled[30]!, 0.001064360981247002);
  close(scaled[39]!, 6.490394320837029e-5);
  for (const i of [40, 41, 63]) expect(scaled[i]).toBe(plain[i]! / 4);
  const ramped = frequencies(128, 1e6, { ...scaling, truncate: false });
  expect(ramped[23]).toBe(plain[23]);
  const stretch = (24 - 23.595947608338) / (39.65088071041708 - 23.595947608338);
  expect(ramped[24]! / plain[24]!).toBeCloseTo(1 - stretch * 0.75, 9);
  // So short a context that every pair is slow: both ends of the ramp are at the first pair.
  const short = frequencies(8, 1e6, { ...scaling, originalLength: 4 });
  expect(short).toEqual(frequencies(8, 1e6).map((f, i) => (i === 0 ? f : f / 4)));
});

test('only yarn scales the scores, by the checkpoint or the paper or the ratio of two weights', () => {
  const yarn = { kind: 'yarn', factor: 4, originalLength: 32768 } as const;
  expect(ropeAttentionFactor(undefined)).toBe(1);
  expect(ropeAttentionFactor(llama)).toBe(1);
  expect(ropeAttentionFactor(yarn)).toBeCloseTo(0.1 * Math.log(4) + 1, 15);
  expect(ropeAttentionFactor({ ...yarn, factor: 1 })).toBe(1);
  expect(ropeAttentionFactor({ ...yarn, attentionFactor: 0.5 })).toBe(0.5);
  expect(ropeAttentionFactor({ ...yarn, mscale: 1, mscaleAllDim: 1 })).toBe(1);
  const [some, all] = [0.1 * 0.7 * Math.log(4) + 1, 0.1 * 0.5 * Math.log(4) + 1];
  expect(ropeAttentionFactor({ ...yarn, mscale: 0.7, mscaleAllDim: 0.5 })).toBeCloseTo(some / all, 15);
  // One of the two alone, or a zero, means the paper's formula.
  expect(ropeAttentionFactor({ ...yarn, mscale: 0.7 })).toBe(ropeAttentionFactor(yarn));
  expect(ropeAttentionFactor({ ...yarn, mscale: 0.7, mscaleAllDim: 0 })).toBe(ropeAttentionFactor(yarn));
});

test('what cannot be is named', () => {
  const make = (headDim: number, length: number, theta?: number, scaling?: RopeScaling) => () =>
    ropeTable({ headDim, length, ...(theta !== undefined && { theta }), scaling });
  expect(make(5, 4)).toThrow('[ropeTable] headDim must be an even whole number of at least 2, got 5');
  expect(make(0, 4)).toThrow(ShapeError);
  expect(make(4, 0)).toThrow('[ropeTable] length must be a whole number of at least 1, got 0');
  expect(make(4, 4, 1)).toThrow('[ropeTable] theta must be finite and more than 1, got 1');
  expect(make(4, 4, 10, { kind: 'linear', factor: 0.5 })).toThrow(
    'factor must be finite and at least 1, got 0.5',
  );
  expect(make(4, 4, 10, { ...llama, highFrequencyFactor: 1 })).toThrow(
    'highFrequencyFactor must be finite and more than 1, got 1',
  );
  expect(make(4, 4, 10, { kind: 'yarn', factor: 2, originalLength: 0 })).toThrow(ValueError);
  expect(make(4, 4, 10, { kind: 'yarn', factor: 2, originalLength: 8, betaFast: 1 })).toThrow('betaFast');
  expect(make(2, 4, 10, { kind: 'dynamic', factor: 2, originalLength: 2 })).toThrow('headDim of at least 4');
});

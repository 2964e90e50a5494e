import { type CpuDevice, cpuDevice } from '@qsparse/backend-cpu';
import { normal } from '@qsparse/core';
import { encodeTernary, ternarizeOp } from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { firstDifference, floats, outputsOn } from './op-fixture.ts';

describe.each(['relaxed', 'baseline'] as const)('ternarize, %s', (simd) => {
  let device: CpuDevice;
  beforeAll(async () => {
    device = await cpuDevice({ threads: 2, simd });
  });
  afterAll(() => device.dispose());

  async function check(elements: ArrayLike<number>): Promise<void> {
    const w = floats([elements.length], elements);
    const { y, alpha } = await outputsOn(device, ternarizeOp, { w }, null);
    const { values, scale } = encodeTernary(w.elements);
    expect(alpha![0]).toBe(Math.fround(scale));
    const expected = Float32Array.from(values, (value) => value * Math.fround(scale) + 0); // +0 for -0
    expect(firstDifference({ y: y! }, { y: expected })).toBeUndefined();
  }

  test('not one rounding differs from float64', async () => {
    for (const [seed, count] of [
      [1, 100_003],
      [2, 4096],
      [3, 17],
      [4, 1],
    ] as const)
      await check(normal(seed, 1, count));
  });

  test('half of alpha goes to 0, the next float to alpha', async () => {
    // The mean is 1 exactly; 0.5 is a tie.
    await check([0.5, -0.5, 0.5 + 2 ** -24, -0.5 - 2 ** -24, 1.5, -1.5, 1.5, -1.5, 1, 1 - 2 ** -23]);
    await check([1, 1, 0.5, 1.5, -0.5, -1.5, 1, 1]);
  });

  test('an all-zero and a tiny matrix have the smallest alpha', async () => {
    await check(new Float64Array(33));
    await check(normal(5, 1, 40).map((x) => x * 1e-8));
  });

  test('one NaN or infinity spoils everything', async () => {
    for (const bad of [Number.NaN, Infinity]) {
      const w = Array.from(normal(6, 1, 9001));
      w[8000] = bad;
      const { y, alpha } = await outputsOn(device, ternarizeOp, { w: floats([9001], w) }, null);
      expect(alpha).toEqual(new Float32Array([Number.NaN]));
      expect(y!.every(Number.isNaN)).toBe(true);
    }
  });
});

import { type CpuDevice, cpuDevice } from '@qsparse/backend-cpu';
import { normal } from '@qsparse/core';
import { encodeTernary, type TernarizeAttrs, ternarizeOp } from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { firstDifference, floats, outputsOn } from './op-fixture.ts';

const WHOLE: TernarizeAttrs = { sections: [], dtype: 'f32' };

describe.each(['relaxed', 'baseline'] as const)('ternarize, %s', (simd) => {
  let device: CpuDevice;
  beforeAll(async () => {
    device = await cpuDevice({ threads: 2, simd });
  });
  afterAll(() => device.dispose());

  async function check(elements: ArrayLike<number>): Promise<void> {
    const w = floats([elements.length], elements);
    const { y, alpha } = await outputsOn(device, ternarizeOp, { w }, WHOLE);
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
      const { y, alpha } = await outputsOn(device, ternarizeOp, { w: floats([9001], w) }, WHOLE);
      expect(alpha).toEqual(new Float32Array([Number.NaN]));
      expect(y!.every(Number.isNaN)).toBe(true);
    }
  });

  test('sections are matrices of their own, and a NaN spoils one of them', async () => {
    const [width, sections] = [37, [300, 1, 77]];
    const w = Array.from(normal(7, 1, 378 * width), (x, i) => (i < 300 * width ? x : 10 * x));
    w[300 * width + 5] = Number.NaN;
    const attrs: TernarizeAttrs = { sections, dtype: 'f32' };
    const got = await outputsOn(device, ternarizeOp, { w: floats([378, width], w) }, attrs);
    let first = 0;
    for (const [i, rows] of sections.entries()) {
      const last = first + rows * width;
      const part = floats([rows, width], w.slice(first, last));
      const alone = await outputsOn(device, ternarizeOp, { w: part }, WHOLE);
      const mine = { y: got.y!.slice(first, last), alpha: got.alpha!.slice(i, i + 1) };
      expect(firstDifference(mine, alone), `section ${i}`).toBeUndefined();
      expect(mine.y.every(Number.isNaN)).toBe(i === 1);
      first = last;
    }
  });
});

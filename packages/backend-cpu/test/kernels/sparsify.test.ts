import { type CpuDevice, cpuDevice } from '@qsparse/backend-cpu';
import { multiply, noGrad, normal, rmsNorm, scope, tensor } from '@qsparse/core';
import { quantizeInt8, type SparsifyAttrs, select, sparsifyOp } from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { floats, normals, outputsOn, relativeError } from './op-fixture.ts';

const PLAIN: SparsifyAttrs = { k: 1, block: 0, int8: false, ste: true, normalize: false, epsilon: 1e-6 };

describe.each(['relaxed', 'baseline'] as const)('sparsify, %s', (simd) => {
  let device: CpuDevice;
  beforeAll(async () => {
    device = await cpuDevice({ threads: 2, simd });
  });
  afterAll(() => device.dispose());

  // The four kernels that it fuses make the same roundings: not near, equal.
  test.each([
    [5, 256, 102, 0],
    [3, 601, 240, 0],
    [2, 1024, 1024, 0],
    [4, 96, 3, 32],
    [4, 96, 5, 12],
    [3, 200, 60, 100],
  ])(
    'equals norm, selection and rounding one by one: %i rows of %i, %i, block %i',
    async (rows, width, k, block) => {
      const [x, weight] = [normals(1, [rows, width]), normals(2, [width])];
      for (const [normalize, int8] of [
        [true, true],
        [true, false],
        [false, true],
        [false, false],
      ] as const) {
        const attrs = { ...PLAIN, k, block, normalize, int8 };
        const { y } = await outputsOn(device, sparsifyOp, { x, ...(normalize && { weight }) }, attrs);
        const parts = scope(() =>
          noGrad(() => {
            const input = tensor(device, x.elements, x.shape);
            const h = normalize ? rmsNorm(input, tensor(device, weight.elements), attrs) : input;
            return multiply(int8 ? quantizeInt8(h) : h, select(h, { k, block }));
          }),
        );
        const positive = (zero: number) => zero + 0; // -0 becomes 0
        expect(y!.map(positive)).toEqual(((await parts.data()) as Float32Array).map(positive));
        parts.dispose();
      }
    },
  );

  test('ties at the cut go to the lowest index', async () => {
    const x = floats(
      [1, 50],
      Array.from({ length: 50 }, (_, i) => (i % 3 ? -2 : 1)),
    );
    const { y } = await outputsOn(device, sparsifyOp, { x }, { ...PLAIN, k: 11 });
    const twos = Array.from(x.elements, (value, i) => (value === -2 ? i : -1)).filter((i) => i >= 0);
    expect(Array.from(y!).flatMap((value, i) => (value === 0 ? [] : [i]))).toEqual(twos.slice(0, 11));
  });

  test('squares that float32 cannot hold still give a norm', async () => {
    const x = normals(3, [2, 70], 1e25);
    const { y } = await outputsOn(device, sparsifyOp, { x }, { ...PLAIN, k: 70, normalize: true });
    const small = normals(3, [2, 70]).elements;
    const expected = [0, 70].flatMap((first) => {
      const row = Array.from(small).slice(first, first + 70);
      const rms = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / 70);
      return row.map((value) => value / rms);
    });
    expect(relativeError(y!, expected)).toBeLessThan(1e-6);
  });

  test('a NaN or an infinity spoils its row and no other, with or without a norm', async () => {
    for (const normalize of [false, true]) {
      for (const bad of [Number.NaN, -Infinity]) {
        const rows = Array.from(normal(4, 1, 3 * 33));
        rows[33 + 32] = bad;
        const attrs = { ...PLAIN, k: 10, normalize, int8: true };
        const { y } = await outputsOn(device, sparsifyOp, { x: floats([3, 33], rows) }, attrs);
        const nans = Array.from(
          { length: 3 },
          (_, row) => y!.subarray(row * 33, row * 33 + 33).filter(Number.isNaN).length,
        );
        expect(nans).toEqual([0, 33, 0]);
      }
    }
  });
});

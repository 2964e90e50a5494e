/**
 * Kernels with subgroups, at the sizes that lavapipe has: 4, 8 and 16, in projects of their own. A software adapter
 * takes kernels without barriers, which have none, unless it is told otherwise. One case an op: each compiles for seconds.
 */
import type { WebGpuDevice } from '@qsparse/backend-webgpu';
import { rmsNormBackwardOp, rmsNormOp } from '@qsparse/core';
import {
  gatedSparsifyBackwardOp,
  gatedSparsifyOp,
  quantizeInt8Op,
  selectOp,
  sparsifyListOp,
  sparsifyOp,
} from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { driver, missing, openDevice } from '../drivers.ts';
import { drawn, expectLike, filled } from '../kernels/compare.ts';

const size = Number(process.env.LP_NATIVE_VECTOR_WIDTH) / 32;
/** 64 invocations a row, some of them without entries at its end. */
const [rows, width] = [3, 520];
const PLAIN = { int8: false, ste: true, normalize: false, epsilon: 1e-6, block: 0, k: 200 };
/** Whole numbers in [-125, 125]: 127 x / 125 is never near the middle between two levels. */
const levels = () => filled([rows, width], (i) => ((i * 7919) % 251) - 125);

if (missing || driver !== 'lavapipe') {
  test.skip(`subgroups of ${size}: ${missing ?? `${driver} has one size`}`, () => {});
} else {
  describe(`subgroups of ${size}`, () => {
    let device: WebGpuDevice;
    beforeAll(async () => {
      device = await openDevice({ barrierFree: false });
    });
    afterAll(() => device.dispose());
    const usesSubgroups = (module: string): boolean =>
      device.pipelines.some((key) => JSON.stringify(key).includes(`${module}-subgroups`));

    test('have that size', () => {
      expect(device.variant).toMatchObject({ subgroupMin: size, subgroupMax: size });
    });

    test('rms-norm and its gradient', async () => {
      const [x, weight] = [drawn([rows, width]), drawn([width])];
      await expectLike(device, rmsNormOp, { x, weight }, { epsilon: 1e-6 });
      const inverseRms = filled([rows], (i) => 0.5 + i / 10);
      const ins = { dy: drawn([rows, width]), x, weight, inverseRms };
      await expectLike(device, rmsNormBackwardOp, ins, null, { accuracy: 4e-6 });
      const gates = { ...ins, x: drawn([rows, 2 * width]) };
      await expectLike(device, gatedSparsifyBackwardOp, gates, { kind: 'silu' }, { accuracy: 4e-6 });
      expect(usesSubgroups('norm-backward')).toBe(true);
    });

    test('select, ties by the lowest index, and quantize-int8', async () => {
      const few = filled([rows, width], (i) => ((i * 7919) % 5) - 2);
      for (const k of [1, 300]) {
        await expectLike(device, selectOp, { x: few }, { k, block: 0 }, { accuracy: 0 });
      }
      await expectLike(device, quantizeInt8Op, { x: levels() }, null);
      expect(usesSubgroups('sparsify')).toBe(true);
    });

    test('lists of what is kept, ties by the lowest index', async () => {
      // 32 invocations: what compiles fastest.
      const few = filled([rows, 132], (i) => ((i * 7919) % 5) - 2);
      await expectLike(device, sparsifyListOp, { x: few }, { ...PLAIN, int8: true, k: 60 });
      expect(usesSubgroups('sparsify-list')).toBe(true);
    });

    test('sparsify and gated-sparsify, and rows with NaN and infinity', async () => {
      const attrs = { ...PLAIN, normalize: true };
      const weight = drawn([width]);
      const broken = [Number.NaN, Number.NEGATIVE_INFINITY, 3e25];
      const rare = filled([rows, width], (i) =>
        i % width === 301 ? broken[Math.floor(i / width)]! : (i % 251) - 125,
      );
      for (const x of [drawn([rows, width]), rare])
        await expectLike(device, sparsifyOp, { x, weight }, attrs);
      const x = drawn([rows, 2 * width]);
      await expectLike(device, gatedSparsifyOp, { x }, { ...PLAIN, kind: 'squared-relu' });
    });
  });
}

/** Ops that reduce rows, at the sizes where kernels change: registers, any width, blocks, many rows. */
import type { WebGpuDevice, WebGpuOptions } from '@qsparse/backend-webgpu';
import { globalNormOp, reduceOp, rmsNormBackwardOp, rmsNormOp } from '@qsparse/core';
import {
  gatedSparsifyBackwardOp,
  gatedSparsifyOp,
  quantizeInt8Op,
  selectOp,
  sparsifyOp,
  ternarizeOp,
} from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { missing, openDevice } from '../drivers.ts';
import { drawn, expectLike, filled } from './compare.ts';

const PLAIN = { int8: false, ste: true, normalize: false, epsilon: 1e-6, block: 0 };
/** Software drivers take seconds to compile a kernel with barriers: there is a test for each of them, and no more. */
const FORMS: readonly (readonly [name: string, options: WebGpuOptions])[] = [
  ['without barriers', { barrierFree: true }],
  ['with barriers', { barrierFree: false, without: ['subgroups'] }],
  ['with subgroups', { barrierFree: false }],
];
/** Whole numbers in [-125, 125]: 127 x / 125 is never near the middle between two levels. */
const levels = (rows: number, width: number) => filled([rows, width], (i) => ((i * 7919) % 251) - 125);

describe.skipIf(missing).each(FORMS)('rows %s', (name, options) => {
  let device: WebGpuDevice;
  beforeAll(async () => {
    device = await openDevice(options);
  });
  afterAll(() => device.dispose());

  test('rows of vectors', async () => {
    const x = drawn([3, 2052]);
    const weight = drawn([2052]);
    await expectLike(device, sparsifyOp, { x, weight }, { ...PLAIN, k: 820, normalize: true });
    await expectLike(device, sparsifyOp, { x: levels(3, 2052) }, { ...PLAIN, k: 820, int8: true });
  });

  test('normed rows with NaN, infinity, and squares that leave the range', async () => {
    const rows = [Number.NaN, Number.NEGATIVE_INFINITY, 3e25, 1];
    for (const width of name === 'with subgroups' ? [264] : [264, 261]) {
      const x = filled([4, width], (i) => (i % width === 7 ? rows[Math.floor(i / width)]! : (i % 5) - 2.5));
      const weight = drawn([width]);
      await expectLike(device, rmsNormOp, { x, weight }, { epsilon: 1e-6 });
      for (const int8 of [false, true]) {
        const attrs = { ...PLAIN, int8, normalize: true, k: width };
        await expectLike(device, sparsifyOp, { x }, attrs);
      }
    }
    const huge = filled([2, 264], (i) => (i % 2 === 0 ? 1e25 : -3e24));
    await expectLike(device, rmsNormOp, { x: huge }, { epsilon: 1e-6 });
    const whole = levels(2, 264);
    await expectLike(
      device,
      quantizeInt8Op,
      { x: { ...whole, elements: whole.elements.map((v) => v * 2 ** 120) } },
      null,
    );
  });

  test('ties of few values, by the lowest index', async () => {
    const few = filled([3, 2052], (i) => ((i * 7919) % 5) - 2);
    const zeros = filled([3, 2052], (i) => (i % 50 === 0 ? i : 0));
    for (const k of [1, 700, 1639, 2051]) {
      await expectLike(device, selectOp, { x: few }, { k, block: 0 }, { accuracy: 0 });
      await expectLike(device, selectOp, { x: zeros }, { k, block: 0 }, { accuracy: 0 });
    }
  });

  test('gradients of norms over many rows', async () => {
    const [rows, width] = [1100, 132];
    const ins = { dy: drawn([rows, width]), x: drawn([rows, width]), weight: drawn([width]) };
    const inverseRms = filled([rows], (i) => 0.5 + (i % 7) / 10);
    const into = { intoX: drawn([rows, width]), intoWeight: drawn([width]) };
    await expectLike(device, rmsNormBackwardOp, { ...ins, inverseRms, ...into }, null, { accuracy: 4e-6 });
    const gates = { ...ins, x: drawn([rows, 2 * width]), inverseRms };
    const attrs = { kind: 'squared-relu' };
    await expectLike(device, gatedSparsifyBackwardOp, gates, attrs, { accuracy: 4e-6 });
    if (name === 'with subgroups') return;
    const shifted = { accuracy: 4e-6, shift: 1 };
    await expectLike(device, rmsNormBackwardOp, { ...ins, inverseRms, ...into }, null, shifted);
  });

  // Subgroups are for rows of vectors.
  describe.skipIf(name === 'with subgroups')('of any length', () => {
    test.each([
      [2, 20_000, 0],
      [2, 5003, 3],
    ])('[%i, %i] shifted by %i', async (rows, width, shift) => {
      const x = drawn([rows, width]);
      const weight = drawn([width]);
      const k = Math.floor(0.4 * width);
      await expectLike(device, sparsifyOp, { x, weight }, { ...PLAIN, k, normalize: true }, { shift });
      const all = { accuracy: 0, shift };
      const equal = filled([rows, width], (i) => ((i * 7919) % 5) - 2);
      await expectLike(device, selectOp, { x: equal }, { k, block: 0 }, all);
    });

    test('gates', async () => {
      const x = drawn([3, 1002]);
      await expectLike(device, gatedSparsifyOp, { x }, { ...PLAIN, kind: 'silu', k: 200 }, { shift: 1 });
    });

    test('blocks: short ones, and longer than what is ranked', async () => {
      const x = levels(3, 1536);
      for (const block of [2, 64, 512]) {
        const attrs = { ...PLAIN, int8: true, block, k: Math.ceil(block / 3) };
        await expectLike(device, sparsifyOp, { x }, attrs);
      }
    });

    test('magnitudes that are far apart, and equal ones among them', async () => {
      const x = filled([2, 3001], (i) => (i % 3 === 0 ? 1 : 2 ** ((i % 240) - 120)));
      for (const k of [1, 999, 1000, 1500, 3000]) {
        await expectLike(device, selectOp, { x }, { k, block: 0 }, { accuracy: 0 });
      }
    });

    test('norms of numbers whose squares leave the range', async () => {
      const x = filled([2, 261], (i) => (i % 2 === 0 ? 1e25 : -3e24));
      await expectLike(device, rmsNormOp, { x }, { epsilon: 1e-6 });
      for (const scale of [1e30, 1e-30, 1]) {
        await expectLike(device, globalNormOp, { x: drawn([40_000], scale) }, null);
      }
    });

    test('long sums', async () => {
      const x = filled([600_011], () => 0.1);
      await expectLike(device, reduceOp, { x }, { kind: 'mean', over: 'all' }, { accuracy: 5e-7 });
      await expectLike(device, reduceOp, { x: drawn([4100, 3]) }, { kind: 'max', over: 'leading' });
      const columns = filled([20_000, 7], (i) => i % 7);
      await expectLike(device, reduceOp, { x: columns }, { kind: 'sum', over: 'leading' });
      const w = filled([300, 301], (i) => ((i * 7919) % 13) - 6);
      await expectLike(device, ternarizeOp, { w }, { sections: [100, 200], dtype: 'f32' });
    });
  });
});

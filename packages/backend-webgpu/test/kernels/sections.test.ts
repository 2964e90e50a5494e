/** Tensors that are larger than one binding: every op that can be cut gives what it gives uncut. */

import type { WebGpuDevice } from '@qsparse/backend-webgpu';
import {
  accumulateOp,
  adamwOp,
  binaryOp,
  broadcastOp,
  castOp,
  copyOp,
  copySectionOp,
  fillOp,
  gatedActivationBackwardOp,
  gatedActivationOp,
  globalNormOp,
  permuteOp,
  reduceOp,
  rmsNormBackwardOp,
  rmsNormOp,
  scaleOp,
  sliceOp,
  unaryBackwardOp,
  unaryOp,
} from '@qsparse/core';
import { gatedSparsifyBackwardOp, gatedSparsifyOp, sparsifyOp, ternarizeOp } from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { missing, openDevice } from '../drivers.ts';
import { drawn, expectLike, filled } from './compare.ts';

describe.skipIf(missing).each([true, false])('bindings of 80 KiB, without barriers: %s', (barrierFree) => {
  let device: WebGpuDevice;
  beforeAll(async () => {
    device = await openDevice({ maxBinding: 81_920, barrierFree });
  });
  afterAll(() => device.dispose());

  const n = 50_001;
  const x = drawn([n]);
  const y = drawn([n]);

  test('elements', async () => {
    for (const shift of [0, 1]) {
      await expectLike(device, unaryOp, { x }, { kind: 'silu' }, { shift });
      await expectLike(device, unaryBackwardOp, { x, dy: y }, { kind: 'gelu' }, { shift });
      await expectLike(device, scaleOp, { x }, { factor: 0.3 }, { shift });
      await expectLike(device, accumulateOp, { into: x, x: y }, null, { shift });
      await expectLike(device, binaryOp, { a: x, b: y }, { kind: 'multiply' }, { shift });
      await expectLike(device, gatedActivationOp, { gate: x, up: y }, { kind: 'silu' }, { shift });
      const gates = { gate: x, up: y, dy: drawn([n]) };
      await expectLike(device, gatedActivationBackwardOp, gates, { kind: 'gelu' }, { shift });
      for (const width of [3, 12, 500]) {
        const ins = { a: drawn([40, 9, width]), b: drawn([9, width]) };
        await expectLike(device, binaryOp, ins, { kind: 'add' }, { shift });
      }
      const arenas = { value: x, grad: y, m: drawn([n]), v: filled([n], (i) => (i % 9) / 9) };
      const numbers = {
        norm: filled([], () => 3),
        hyper: filled([8], (i) => [0.01, 0.1, 0.1, 0.05, 1][i] ?? 0),
      };
      const attrs = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, decay: true };
      await expectLike(device, adamwOp, { ...arenas, ...numbers }, attrs, { shift });
    }
  });

  test('movement', async () => {
    const exact = { accuracy: 0, shift: 1 };
    await expectLike(device, copyOp, { into: x, x: y }, null, exact);
    await expectLike(device, fillOp, { into: x }, { value: 0.1 }, { shift: 1 });
    await expectLike(device, broadcastOp, { x: drawn([33]) }, { shape: [900, 33], along: 'leading' }, exact);
    await expectLike(device, broadcastOp, { x: drawn([150]) }, { shape: [150, 163], along: 'last' }, exact);
    for (const shape of [
      [3, 10_000],
      [900, 30],
      [2, 14_001],
    ] as const) {
      const [start, length] = [2, 25];
      await expectLike(device, sliceOp, { x: drawn(shape) }, { axis: 1, start, length }, exact);
      const ins = { into: drawn(shape), x: drawn([shape[0], length]) };
      await expectLike(device, copySectionOp, ins, { axis: 1, start }, exact);
    }
    await expectLike(device, castOp, { x: drawn([n], 100) }, { dtype: 'i8' }, exact);
  });

  test('movement of an input that is larger than a binding', async () => {
    const exact = { accuracy: 0, shift: 1 };
    const [long, twice] = [drawn([30_001]), [2, 30_001]];
    await expectLike(device, broadcastOp, { x: long }, { shape: twice, along: 'leading' }, exact);
    await expectLike(device, broadcastOp, { x: long }, { shape: [30_001, 3], along: 'last' }, exact);
    // Cut where y is contiguous, where it is not, twice (a slice is larger than a binding), and halves of words.
    for (const [shape, order] of [
      [
        [200, 151],
        [1, 0],
      ],
      [
        [40, 30, 31],
        [0, 2, 1],
      ],
      [
        [2, 3, 25_000],
        [2, 0, 1],
      ],
      [
        [3, 5, 40, 61],
        [3, 1, 0, 2],
      ],
    ] as const) {
      await expectLike(device, permuteOp, { x: drawn(shape) }, { order }, exact);
    }
    const halves = { ...filled([301, 250], (i) => (i % 251) - 125), dtype: 'bf16' } as const;
    await expectLike(device, permuteOp, { x: halves }, { order: [1, 0] }, exact);
  });

  test('rows', async () => {
    const [rows, width] = [400, 100];
    const ins = { x: drawn([rows, width]), weight: drawn([width]) };
    await expectLike(device, rmsNormOp, ins, { epsilon: 1e-6 });
    const attrs = { int8: false, ste: true, normalize: true, epsilon: 1e-6, k: 40, block: 0 };
    await expectLike(device, sparsifyOp, ins, attrs);
    await expectLike(device, sparsifyOp, ins, { ...attrs, k: 4, block: 10 });
    const gates = drawn([rows, 2 * width]);
    await expectLike(
      device,
      gatedSparsifyOp,
      { x: gates },
      { ...attrs, normalize: false, kind: 'squared-relu' },
    );
    const inverseRms = filled([rows], (i) => 0.5 + (i % 7) / 10);
    const backward = { dy: drawn([rows, width]), ...ins, inverseRms };
    await expectLike(device, rmsNormBackwardOp, backward, null, { accuracy: 4e-6 });
    const gated = { ...backward, x: gates };
    await expectLike(device, gatedSparsifyBackwardOp, gated, { kind: 'silu' }, { accuracy: 4e-6 });
    for (const over of ['last', 'leading', 'all'] as const) {
      await expectLike(device, reduceOp, { x: drawn([900, 30]) }, { kind: 'max', over });
      await expectLike(device, reduceOp, { x: filled([900, 30], (i) => i % 11) }, { kind: 'sum', over });
    }
    await expectLike(device, globalNormOp, { x }, null);
    await expectLike(
      device,
      ternarizeOp,
      { w: filled([300, 100], (i) => ((i * 7919) % 13) - 6) },
      { sections: [100, 200], dtype: 'f32' },
    );
  });
});

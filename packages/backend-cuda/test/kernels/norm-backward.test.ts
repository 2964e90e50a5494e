/** Gradients through norms and gates: every kernel by width, sums over rows in many blocks, what is added to. */
import { gatedActivationBackwardOp, gatedActivationOp, rmsNormBackwardOp, rmsNormOp } from '@qsparse/core';
import { gatedSparsifyBackwardOp } from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { CudaDevice } from '../../src/index.ts';
import { missing } from '../emulated-device.ts';
import {
  expectLikeReference,
  expectSameInAnyOrder,
  type Float,
  floats,
  normals,
  smallDevice,
  type Values,
} from './against-reference.ts';

/** [width, rows]: two rows a warp, a warp, four warps, a block; others. Some have more rows than their blocks take. */
const WIDTHS: Readonly<Record<Float, readonly (readonly [number, number])[]>> = {
  bf16: [
    [16, 4301],
    [384, 41],
    [512, 5],
    [1024, 9],
    [4096, 5],
    [5632, 3],
    [8192, 2],
    [33, 41],
    [8200, 3],
  ],
  f32: [
    [16, 301],
    [256, 41],
    [512, 9],
    [2048, 3],
    [4096, 2],
    [33, 1041],
    [4100, 3],
  ],
};

/** About what the norm of standard normal rows gives. */
const inverses = (rows: number): Values => floats([rows], (i) => 1 + (i % 5) / 10);

describe.skipIf(missing)('gradients of norms and gates', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await smallDevice();
  });
  afterAll(() => device.dispose());

  const CASES = (['bf16', 'f32'] as const).flatMap((dtype) =>
    WIDTHS[dtype].map((size) => [dtype, ...size] as const),
  );

  test.each(CASES)('rms-norm-backward %s, width %i, %i rows', async (dtype, width, rows) => {
    const shape = [rows, width];
    const ins = { dy: normals(1, shape, dtype), x: normals(2, shape, dtype), inverseRms: inverses(rows) };
    const weight = normals(3, [width], 'f32', { scale: 0.2, shift: 1 });
    // Sums over thousands of rows may be off by more than one of their terms.
    const tolerance = dtype === 'f32' ? 8e-6 : 2 ** -7;
    const op = rmsNormBackwardOp;
    await expectLikeReference(device, { op, ins, tolerance });
    await expectLikeReference(device, { op, ins: { ...ins, weight }, tolerance });
    const into = { intoX: normals(4, shape, 'f32'), intoWeight: normals(5, [width], 'f32') };
    await expectLikeReference(device, { op, ins: { ...ins, weight, ...into }, tolerance });
    const own = { weight: { ...weight, dtype }, intoX: normals(4, shape, dtype) };
    await expectLikeReference(device, { op, ins: { ...ins, ...own }, tolerance });
  });

  test('the same bits in any order of threads', async () => {
    for (const [width, rows] of [
      [16, 301],
      [1024, 9],
      [33, 41],
    ] as const) {
      const shape = [rows, width];
      const ins = {
        ...{ dy: normals(1, shape), x: normals(2, shape), inverseRms: inverses(rows) },
        weight: normals(3, [width]),
      };
      await expectSameInAnyOrder(device, { op: rmsNormBackwardOp, ins });
    }
  });

  test('rows out of alignment', async () => {
    const shape = [7, 64];
    for (const shift of [1, 4]) {
      const x = normals(2, shape, 'bf16');
      const weight = normals(3, [64], 'f32');
      await expectLikeReference(device, {
        op: rmsNormOp,
        ins: { x, weight },
        attrs: { epsilon: 1e-6 },
        shift,
      });
      const ins = { dy: normals(1, shape, 'bf16'), x, inverseRms: inverses(7), weight };
      await expectLikeReference(device, { op: rmsNormBackwardOp, ins, shift });
    }
  });

  const KINDS = ['squared-relu', 'silu', 'gelu'] as const;
  const GATED = KINDS.flatMap((kind) =>
    (
      [
        ['bf16', 8, 2201],
        ['bf16', 384, 41],
        ['bf16', 1024, 5],
        ['bf16', 2816, 3],
        ['bf16', 5632, 2],
        ['bf16', 33, 5],
        ['f32', 384, 5],
      ] as const
    ).map((size) => [kind, ...size] as const),
  );

  test.each(GATED)('gated-sparsify-backward %s, %s, width %i, %i rows', async (kind, dtype, width, rows) => {
    const ins = { dy: normals(1, [rows, width], dtype), x: normals(2, [rows, 2 * width], dtype) };
    const op = gatedSparsifyBackwardOp;
    const tolerance = dtype === 'f32' ? 8e-6 : 2 ** -7;
    await expectLikeReference(device, { op, ins, attrs: { kind }, tolerance });
    const normed = { ...ins, inverseRms: inverses(rows) };
    await expectLikeReference(device, { op, ins: normed, attrs: { kind }, tolerance });
    const weighted = { ...normed, weight: normals(3, [width], 'f32', { scale: 0.2, shift: 1 }) };
    await expectLikeReference(device, { op, ins: weighted, attrs: { kind }, tolerance });
    const into = { ...weighted, intoWeight: normals(4, [width], 'f32') };
    await expectLikeReference(device, { op, ins: into, attrs: { kind }, tolerance });
  });

  test.each(KINDS)('gated-activation and its gradient: %s', async (kind) => {
    for (const dtype of ['bf16', 'f32'] as const) {
      for (const [count, shift] of [
        [40_003, 0],
        [40_000, 8],
        [1003, 1],
      ] as const) {
        const make = (seed: number) => normals(seed, [count], dtype, { scale: 3 });
        const ins = { gate: make(1), up: make(2) };
        await expectLikeReference(device, { op: gatedActivationOp, ins, attrs: { kind }, shift });
        const all = { ...ins, dy: make(3) };
        await expectLikeReference(device, {
          op: gatedActivationBackwardOp,
          ins: all,
          attrs: { kind },
          shift,
        });
      }
    }
  });
});

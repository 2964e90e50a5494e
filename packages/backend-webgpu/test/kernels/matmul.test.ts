/** Every form of the matrix product, whatever form the device would take: transposes, edges of tiles, parts of k. */
import { matmulOp } from '@qsparse/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WebGpuDevice } from '../../src/index.ts';
import { kernelsByOp } from '../../src/kernels/index.ts';
import { launchForm, productOf } from '../../src/kernels/matmul.ts';
import { type MatmulForm, matmulForm } from '../../src/kernels/matmul-plan.ts';
import { type WebGpuKernel, webGpuKernel } from '../../src/launch.ts';
import { expectLikeReference, normals } from './against-reference.ts';

// lavapipe takes many seconds to compile what GPUs like: long loops without branches.
process.env.QSPARSE_WEBGPU_DRIVER ??= 'swiftshader';
const { missing, openDevice } = await import('../drivers.ts');

/** matmul in one form; a device finds kernels by op. */
function matmulIn(form: MatmulForm): typeof matmulOp {
  const op = { ...matmulOp };
  const kernel = webGpuKernel(op, (ins, { y }, attrs, context) => {
    launchForm(productOf(ins, y, attrs), form, context);
  });
  (kernelsByOp as Map<unknown, WebGpuKernel>).set(op, kernel);
  return op;
}

const tiled = (tileM: number, tileN: number, splits = 1): MatmulForm => ({
  ...{ entry: 'tiled', tileM, tileN, tileK: 16, splits },
});

type Case = readonly [
  form: MatmulForm,
  transposes: 'NN' | 'NT' | 'TN' | 'TT',
  sizes: readonly [m: number, n: number, k: number],
];

// m, n, k: multiples of 4 take vectors, others do not.
const CASES: readonly Case[] = [
  [tiled(64, 64), 'NN', [68, 132, 20]],
  [tiled(64, 64, 3), 'TT', [65, 3, 77]],
  [tiled(128, 64), 'NT', [132, 68, 36]],
  [tiled(128, 128, 2), 'TN', [136, 200, 40]],
  [{ entry: 'whole', splits: 1 }, 'NN', [132, 260, 48]],
  [{ entry: 'whole', splits: 2 }, 'NT', [136, 68, 80]],
  [{ entry: 'whole', splits: 3 }, 'TN', [4, 132, 32]],
  [{ entry: 'whole', splits: 1 }, 'TT', [128, 8, 16]],
  // Not whole vectors, and not whole steps of k.
  [{ entry: 'whole', splits: 2 }, 'NN', [66, 67, 32]],
  [{ entry: 'whole', splits: 1 }, 'TN', [68, 72, 20]],
  [{ entry: 'few', splits: 1 }, 'NN', [1, 260, 68]],
  [{ entry: 'few', splits: 3 }, 'NN', [7, 33, 400]],
  [{ entry: 'few', splits: 2 }, 'NT', [8, 68, 516]],
  [{ entry: 'few', splits: 1 }, 'NT', [3, 5, 129]],
  [{ entry: 'direct', across: 32, splits: 1 }, 'NN', [5, 260, 12]],
  [{ entry: 'direct8', across: 4, splits: 1 }, 'NN', [136, 40, 12]],
  [{ entry: 'direct8', across: 8, splits: 1 }, 'TT', [24, 72, 4]],
  [{ entry: 'direct8', across: 4, splits: 1 }, 'NT', [8, 8, 20]],
  [{ entry: 'direct8', across: 4, splits: 1 }, 'TN', [16, 24, 8]],
  [{ entry: 'direct', across: 8, splits: 4 }, 'TT', [36, 40, 68]],
];

test.each([
  [
    'from 64 tiles on, in four parts where they are few',
    [1, 1024, 1024, 1024],
    { entry: 'whole', splits: 4 },
  ],
  ['large', [1, 4096, 4096, 4096], { entry: 'whole', splits: 1 }],
  ['k is no whole step', [1, 1024, 1024, 1020], tiled(64, 64, 2)],
  ['rows are no whole vectors', [1, 1026, 1024, 1024], { entry: 'tiled' }],
  ['too small', [1, 512, 512, 512], tiled(64, 64, 2)],
  ['narrow', [1, 16384, 64, 64], { entry: 'tiled' }],
] as const)('the form that is chosen: %s', (_, [batch, m, n, k], form) => {
  expect(matmulForm({ batch, m, n, k }, false, false)).toMatchObject(form);
  expect(matmulForm({ batch, m, n, k }, false, true).entry).toMatch(/^direct/);
});

if (missing) test.skip(`forms of matmul: ${missing}`, () => {});
else {
  describe('forms of matmul', { timeout: 60_000 }, () => {
    let device: WebGpuDevice;
    beforeAll(async () => {
      device = await openDevice();
    });
    afterAll(() => device.dispose());

    test.each(CASES)('%j %s %j', async (form, transposes, [m, n, k]) => {
      const attrs = { transposeA: transposes[0] === 'T', transposeB: transposes[1] === 'T' };
      const a = normals(1, attrs.transposeA ? [2, k, m] : [2, m, k]);
      const b = normals(2, attrs.transposeB ? [2, n, k] : [2, k, n]);
      const add = normals(3, [2, m, n]);
      await expectLikeReference(device, { op: matmulIn(form), ins: { a, b, add }, attrs });
    });
  });
  describe('matrices larger than a binding', () => {
    let device: WebGpuDevice;
    beforeAll(async () => {
      device = await openDevice({ maxBinding: 1024 });
    });
    afterAll(() => device.dispose());

    test.each(['NN', 'NT', 'TN', 'TT'])('%s', async (transposes) => {
      const attrs = { transposeA: transposes[0] === 'T', transposeB: transposes[1] === 'T' };
      for (const [m, n, k] of [
        [37, 20, 44],
        [40, 13, 30],
      ] as const) {
        const a = normals(1, attrs.transposeA ? [k, m] : [m, k]);
        const b = normals(2, attrs.transposeB ? [n, k] : [k, n]);
        await expectLikeReference(device, { op: matmulOp, ins: { a, b, add: normals(3, [m, n]) }, attrs });
      }
    });
  });
}

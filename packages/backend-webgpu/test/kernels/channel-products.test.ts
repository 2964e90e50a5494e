/**
 * Products of lists of channels in every form: with and without barriers and packed products of bytes, in vectors and one
 * output at a time, cut into parts, and of weights larger than a binding.
 */
import type { WebGpuDevice } from '@qsparse/backend-webgpu';
import {
  channelBytes,
  compactOp,
  packChannelMajor,
  packTernaryOp,
  sparseGemvOp,
  ternaryGemvOp,
} from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kernelsByOp } from '../../src/kernels/index.ts';
import type { Planner } from '../../src/kernels/product-plan.ts';
import { launchSparseGemv } from '../../src/kernels/sparse-gemv.ts';
import { launchTernaryGemv } from '../../src/kernels/ternary-gemv.ts';
import { type WebGpuKernel, webGpuKernel } from '../../src/launch.ts';
import { missing, openDevice } from '../drivers.ts';
import type { Numbers } from './against-reference.ts';
import { drawn, expectLike, filled } from './compare.ts';

type As = (numbers: Numbers, dtype: Numbers['dtype']) => Numbers;
const as: As = (numbers, dtype) => ({ ...numbers, dtype });
const mixed = (i: number): number => (i * 7919) % 255;

/** Lists of `k` places of `inputs` channels; each row after the first has fewer entries than the one before. */
function listOf(rows: number, inputs: number, k: number): Readonly<Record<'indices' | 'count', Numbers>> {
  const foundIn = (row: number) => Math.floor(k / (row + 1));
  const index = (i: number): number => {
    const [row, j] = [Math.floor(i / k), i % k];
    return j < foundIn(row) ? Math.floor((j * inputs) / k) : 0;
  };
  return {
    indices: as(filled([rows, k], index), 'i32'),
    count: as(filled([rows], foundIn), 'i32'),
  };
}

const WEIGHTS = {
  f32: (shape: readonly number[]) => drawn(shape),
  bf16: (shape: readonly number[]) =>
    as(
      filled(shape, (i) => (mixed(i) - 127) / 64),
      'bf16',
    ),
  i8: (shape: readonly number[]) =>
    as(
      filled(shape, (i) => mixed(i) - 127),
      'i8',
    ),
} as const;

async function checkSparse(
  device: WebGpuDevice,
  rows: number,
  sizes: readonly [inputs: number, k: number, outputs: number],
  op = sparseGemvOp,
): Promise<void> {
  const [inputs, k, outputs] = sizes;
  for (const [dtype, weights] of Object.entries(WEIGHTS)) {
    const ins = {
      ...listOf(rows, inputs, k),
      ...{ values: drawn([rows, k]), w: weights([inputs, outputs]) },
      ...(dtype === 'i8' && { scales: filled([outputs], (i) => 0.01 + (i % 7) / 100) }),
      ...(dtype !== 'f32' && { add: drawn([rows, outputs]) }),
    };
    for (const shift of [0, 1])
      await expectLike(device, op, ins, { dtype: 'f32' }, { shift, accuracy: 4e-6 });
  }
}

async function checkTernary(
  device: WebGpuDevice,
  rows: number,
  sizes: readonly [inputs: number, k: number, outputs: number],
  op = ternaryGemvOp,
): Promise<void> {
  const [inputs, k, outputs] = sizes;
  const weights = Int8Array.from({ length: inputs * outputs }, (_, i) => (mixed(i) % 3) - 1);
  const bytes = new Int8Array(packChannelMajor(weights, outputs, inputs).buffer);
  const ins = {
    ...listOf(rows, inputs, k),
    values: as(
      filled([rows, k], (i) => (i % 3 === 0 ? 127 : mixed(i) - 127)),
      'i8',
    ),
    scale: filled([rows], (row) => 2 ** -(row + 7)),
    w: as(
      filled([inputs, channelBytes(outputs)], (i) => bytes[i]!),
      'i8',
    ),
    scales: filled([outputs], (i) => 2 ** ((i % 3) - 1)),
  };
  // Powers of two: integers times these are exact.
  for (const shift of [0, 1]) await expectLike(device, op, ins, { dtype: 'f32' }, { shift, accuracy: 0 });
  await expectLike(device, op, { ...ins, add: drawn([rows, outputs]) }, { dtype: 'f32' });
}

const DEVICES = {
  'with barriers': { barrierFree: false },
  'with barriers, core WebGPU': { barrierFree: false, without: ['dot8', 'subgroups'] },
  'without barriers, core WebGPU': { barrierFree: true, without: ['dot8'] },
  'with bindings of 80 KiB': { barrierFree: false, maxBinding: 81_920 },
} as const;

describe.skipIf(missing).each(Object.entries(DEVICES))('%s', { timeout: 60_000 }, (_name, options) => {
  let device: WebGpuDevice;
  beforeAll(async () => {
    device = await openDevice(options);
  });
  afterAll(() => device.dispose());
  // 600 and 700 places make two parts and more.
  const sizes: readonly (readonly [rows: number, inputs: number, k: number, outputs: number])[] = [
    [1, 40, 33, 16],
    [2, 700, 600, 48],
    [3, 300, 129, 100],
    [1, 1100, 1100, 33],
  ];

  test('sparse-gemv', async () => {
    for (const [rows, ...rest] of sizes) await checkSparse(device, rows, rest);
  });

  test('ternary-gemv', async () => {
    for (const [rows, ...rest] of sizes) await checkTernary(device, rows, rest);
    await checkTernary(device, 1, [64, 64, 516]);
  });

  test('an index outside of the matrix makes its row NaN, and no other', async () => {
    const list = {
      indices: as(
        filled([2, 3], (i) => [1, 9, 2, 3, 4, -1][i]!),
        'i32',
      ),
    };
    const count = as(
      filled([2], (row) => 3 - row),
      'i32',
    );
    const ins = { ...list, count, values: drawn([2, 3]), w: drawn([9, 8]) };
    await expectLike(device, sparseGemvOp, ins, { dtype: 'f32' });
    const codes = {
      ...{
        ...list,
        count,
        values: as(
          filled([2, 3], () => 3),
          'i8',
        ),
        scale: filled([2], () => 1),
      },
      ...{
        w: as(
          filled([9, 64], (i) => mixed(i) - 127),
          'i8',
        ),
        scales: filled([8], () => 1),
      },
    };
    await expectLike(device, ternaryGemvOp, codes, { dtype: 'f32' });
  });

  test('weights that are not finite count where they are listed, and nowhere else', async () => {
    const ins = {
      indices: as(
        filled([1, 2], (i) => 2 * i + 1),
        'i32',
      ),
      ...{
        count: as(
          filled([1], () => 2),
          'i32',
        ),
        values: filled([1, 2], () => 1),
      },
      w: filled([4, 8], (i) => (i < 8 ? Number.NaN : i === 9 ? Number.POSITIVE_INFINITY : i)),
    };
    await expectLike(device, sparseGemvOp, ins, { dtype: 'f32' });
  });

  test('pack-ternary and compact', async () => {
    for (const shape of [
      [300, 50],
      [17, 130],
    ]) {
      const w = filled(shape, (i) => ((mixed(i) % 3) - 1) * 0.25);
      for (const dtype of ['f32', 'bf16'] as const)
        await expectLike(device, packTernaryOp, { w: as(w, dtype) }, null, { accuracy: 0 });
    }
    const x = filled([2, 700], (i) => (i % 3 === 0 ? 0 : mixed(i) - 127));
    for (const int8 of [false, true]) await expectLike(device, compactOp, { x }, { k: 500, int8 });
  });
});

test.skipIf(missing)('packed products of bytes where the device has them', async () => {
  const device = await openDevice({ barrierFree: false });
  await checkTernary(device, 1, [8, 8, 8]);
  const isUsed = device.pipelines.some(({ module }) => module === 'ternary-gemv-dot8');
  expect(isUsed).toBe(device.variant.dot8);
  device.dispose();
});

test.skipIf(missing)('layouts of workgroups that no size asks for', async () => {
  const device = await openDevice({ barrierFree: false });
  for (const [lanes, slots, splits] of [
    [32, 2, 3],
    [8, 8, 1],
  ] as const) {
    const layout = { lanes, slots, staged: true };
    const planned: Planner = (_context, { units }) => ({ layout, tiles: Math.ceil(units / lanes), splits });
    const [sparse, ternary] = [{ ...sparseGemvOp }, { ...ternaryGemvOp }];
    const kernels = [
      webGpuKernel(sparse, (ins, { y }, _attrs, context) => launchSparseGemv(ins, y, context, planned)),
      webGpuKernel(ternary, (ins, { y }, _attrs, context) => launchTernaryGemv(ins, y, context, planned)),
    ];
    for (const kernel of kernels) (kernelsByOp as Map<unknown, WebGpuKernel>).set(kernel.op, kernel);
    await checkSparse(device, 2, [300, 200, 160], sparse);
    await checkTernary(device, 2, [300, 200, 160], ternary);
  }
  device.dispose();
});

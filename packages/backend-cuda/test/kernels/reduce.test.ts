/** reduce in several pieces and launches, over short and long rows and columns, against the reference. */
import { type ReduceAttrs, reduceOp, type Shape } from '@qsparse/core';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { CudaDevice } from '../../src/index.ts';
import { missing } from '../emulated-device.ts';
import {
  expectLikeReference,
  expectSameInAnyOrder,
  type Float,
  floats,
  type KernelCase,
  normals,
  smallDevice,
} from './against-reference.ts';

const make = (shape: Shape, attrs: ReduceAttrs, dtype: Float = 'f32', shift = 0): KernelCase => ({
  op: reduceOp,
  ins: { x: normals(3, shape, dtype, { shift: 1 }) },
  attrs,
  shift,
});

const CASES: Readonly<Record<string, KernelCase>> = {
  'rows of several pieces': make([3, 40_001], { kind: 'sum', over: 'last' }),
  'rows of several pieces, bf16': make([2, 40_008], { kind: 'mean', over: 'last' }, 'bf16'),
  'the largest of several pieces': make([2, 20_000], { kind: 'max', over: 'last' }, 'bf16'),
  'one number of many, out of alignment': make([7, 5003], { kind: 'mean', over: 'all' }, 'f32', 3),
  'equal numbers': {
    op: reduceOp,
    ins: { x: floats([200_000], () => 0.1) },
    attrs: { kind: 'sum', over: 'all' },
  },
  'tall, in three launches': make([40_000, 8], { kind: 'sum', over: 'leading' }),
  'tall, bf16': make([9000, 16], { kind: 'mean', over: 'leading' }, 'bf16'),
  'the largest of tall columns': make([9000, 5], { kind: 'max', over: 'leading' }),
  'columns of several blocks': make([700, 264], { kind: 'sum', over: 'leading' }),
  'columns of several blocks, no whole vectors': make([600, 70], { kind: 'sum', over: 'leading' }, 'bf16'),
  'one tall column': make([30_000, 1], { kind: 'sum', over: 'leading' }),
};

describe.skipIf(missing)('reduce', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await smallDevice();
  });
  afterAll(() => device.dispose());

  for (const [name, kernelCase] of Object.entries(CASES)) {
    test(name, () => expectLikeReference(device, kernelCase));
  }
  test('a NaN in one piece is the largest', () => {
    const x = floats([20_000], (i) => (i === 17_000 ? Number.NaN : i));
    return expectLikeReference(device, { op: reduceOp, ins: { x }, attrs: { kind: 'max', over: 'all' } });
  });
  test.each(['tall, bf16', 'rows of several pieces'])('%s: the same bits in any order', (name) =>
    expectSameInAnyOrder(device, CASES[name]!),
  );
});

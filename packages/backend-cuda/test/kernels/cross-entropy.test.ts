/** cross-entropy and its gradient over rows of several turns, many rows, and every alignment of a row. */
import { crossEntropyBackwardOp, crossEntropyOp, type Shape } from '@qsparse/core';
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
  wholes,
} from './against-reference.ts';

const make = (shape: Shape, dtype: Float, shift = 0): KernelCase => ({
  op: crossEntropyOp,
  ins: {
    logits: normals(5, shape, dtype, { scale: 3 }),
    // Some are ignored.
    targets: wholes(shape.slice(0, -1), (row) => (row % 5 === 4 ? -100 : (row * 7919) % shape.at(-1)!)),
  },
  shift,
});

/** The gradient at the same logits, from any log-sum-exp and count. */
const gradient = ({ ins, shift = 0 }: KernelCase, overwrite: boolean): KernelCase => {
  const { logits, targets } = ins as {
    logits: KernelCase['ins'][string];
    targets: KernelCase['ins'][string];
  };
  const rows = targets.elements.length;
  return {
    op: crossEntropyBackwardOp,
    ins: {
      ...{ logits, targets, d: floats([], () => 1.5), count: floats([], () => rows) },
      logSumExp: floats([rows], (row) => 9 + (row % 3)),
    },
    shift,
    ...(overwrite && { shares: { overwrite: 'logits' } }),
  };
};

const CASES: Readonly<Record<string, KernelCase>> = {
  'long rows, bf16': make([3, 20_000], 'bf16'),
  'long rows, f32': make([2, 9000], 'f32'),
  'rows that start anywhere, bf16': make([17, 2051], 'bf16'),
  'rows that start anywhere, f32': make([9, 1031], 'f32', 1),
  'short rows, bf16': make([41, 512], 'bf16'),
  'more rows than the last block has threads': make([2500, 5], 'f32'),
};

describe.skipIf(missing)('cross-entropy', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await smallDevice();
  });
  afterAll(() => device.dispose());

  for (const [name, kernelCase] of Object.entries(CASES)) {
    test(name, () => expectLikeReference(device, kernelCase));
    test(`the gradient, ${name}`, () => expectLikeReference(device, gradient(kernelCase, false)));
  }
  test.each(['long rows, bf16', 'rows that start anywhere, bf16'])(
    'the gradient over the logits, %s',
    (name) => expectLikeReference(device, gradient(CASES[name]!, true)),
  );
  test('the same bits in any order', () =>
    expectSameInAnyOrder(device, CASES['rows that start anywhere, bf16']!));
});

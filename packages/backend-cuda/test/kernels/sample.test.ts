/** sample where more entries stay than are sorted by comparing all with each other, against the reference, in any order. */
import { randomState, sampleOp } from '@qsparse/core';
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

const state = randomState(17, 4, 2 ** 31 - 1);
const make = (rows: number, width: number, topK: number, topP: number, dtype: Float = 'f32'): KernelCase => ({
  op: sampleOp,
  ins: { logits: normals(9, [rows, width], dtype, { scale: 2 }), random: wholes([4], (i) => state[i]!) },
  attrs: { temperature: 1.3, topK, topP },
});

const CASES: Readonly<Record<string, KernelCase>> = {
  'the largest 700 of 9000': make(3, 9000, 700, 0.99),
  'ties across the cut, bf16': make(4, 5000, 1000, 1, 'bf16'),
  'all of 3000': make(3, 3000, 0, 0.95),
  'more rows than blocks': make(70, 20, 5, 0.9),
  'all alike, beyond the few': {
    ...make(2, 600, 500, 0.5),
    ins: { logits: floats([2, 600], () => -3), random: wholes([4], (i) => state[i]!) },
  },
};

describe.skipIf(missing)('sample', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await smallDevice();
  });
  afterAll(() => device.dispose());

  for (const [name, kernelCase] of Object.entries(CASES)) {
    test(name, () => expectLikeReference(device, kernelCase));
  }
  test('the same in any order', () => expectSameInAnyOrder(device, CASES['ties across the cut, bf16']!));
});

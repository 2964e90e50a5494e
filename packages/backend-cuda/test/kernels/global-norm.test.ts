/** global-norm over several chunks, of numbers whose squares no float32 holds, against the reference. */
import { globalNormOp } from '@qsparse/core';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { CudaDevice } from '../../src/index.ts';
import { missing } from '../emulated-device.ts';
import {
  expectLikeReference,
  expectSameInAnyOrder,
  type KernelCase,
  normals,
  smallDevice,
} from './against-reference.ts';

const CASES: Readonly<Record<string, KernelCase>> = {
  'several chunks': { op: globalNormOp, ins: { x: normals(1, [60_001]) } },
  'several chunks, bf16': { op: globalNormOp, ins: { x: normals(1, [40_008], 'bf16') }, tolerance: 1e-7 },
  'out of alignment': { op: globalNormOp, ins: { x: normals(1, [20_000]) }, shift: 1 },
  'large numbers': { op: globalNormOp, ins: { x: normals(1, [20_000], 'f32', { scale: 1e30 }) } },
  'small numbers': { op: globalNormOp, ins: { x: normals(1, [20_000], 'f32', { scale: 1e-27 }) } },
};

describe.skipIf(missing)('global-norm', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await smallDevice();
  });
  afterAll(() => device.dispose());

  for (const [name, kernelCase] of Object.entries(CASES)) {
    test(name, () => expectLikeReference(device, kernelCase));
  }
  test('the same bits in any order', () => expectSameInAnyOrder(device, CASES['several chunks']!));
});

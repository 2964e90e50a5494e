/** Subgroup matrices: which form is taken of what adapters offer, and products in them where the driver here has them. */
import { matmulOp, type Shape } from '@qsparse/core';
import { describe, expect, test } from 'vitest';
import { describeForms, type MatrixForm, matrixSide } from '../src/matrices.ts';
import { missing, openDevice } from './drivers.ts';
import { expectLike, filled } from './kernels/compare.ts';

const form = (size: number, componentType = 'f16', resultComponentType = 'f32'): MatrixForm => ({
  ...{ M: size, N: size, K: size },
  ...{ componentType, resultComponentType },
});

describe('the form that is taken', () => {
  const device = (features: readonly string[], maxComputeInvocationsPerWorkgroup = 256): GPUDevice =>
    ({ features: new Set(features), limits: { maxComputeInvocationsPerWorkgroup } }) as unknown as GPUDevice;
  const subgroups = (subgroupMinSize: number, subgroupMaxSize = subgroupMinSize): GPUAdapterInfo =>
    ({ subgroupMinSize, subgroupMaxSize }) as GPUAdapterInfo;
  const able = device(['shader-f16', 'subgroups']);

  test('is the largest square one of f16 with sums in f32', () => {
    expect(matrixSide([form(8), form(16)], able, subgroups(32))).toBe(16);
    expect(matrixSide([form(16, 'f16', 'f16'), form(8)], able, subgroups(32))).toBe(8);
    expect(matrixSide([{ ...form(16), K: 8 }, form(16, 'i8', 'i32')], able, subgroups(32))).toBeUndefined();
    expect(describeForms([{ ...form(16), K: 8 }])).toBe('f16 to f32 of 16 x 16 x 8');
  });

  test('is none where it was not asked for, or where the kernel does not fit the subgroups', () => {
    expect(matrixSide(undefined, able, subgroups(32))).toBeUndefined();
    expect(matrixSide([form(8)], device(['subgroups']), subgroups(32))).toBeUndefined();
    expect(matrixSide([form(8)], able, subgroups(16, 32))).toBeUndefined();
    expect(matrixSide([form(8)], able, subgroups(128))).toBeUndefined();
  });
});

const found = missing ? undefined : await openDevice({ experimental: { subgroupMatrix: true } });
const side = found?.variant.matrixSide;
found?.dispose();

// Debian's lavapipe of 2025 has none, the one of 2026 has.
test.skipIf(!side)(
  'products in matrix units: transposes, sums that go on, an odd k',
  { timeout: 120_000 },
  async () => {
    const device = await openDevice({ experimental: { subgroupMatrix: true } });
    // Numbers that f16 holds, and sums that f32 holds.
    const whole = (shape: Shape) => filled(shape, (i) => ((i * 7919) % 17) - 8);
    const [m, n, k] = [128, 256, 130];
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const ins = { a: whole(transposeA ? [k, m] : [m, k]), b: whole(transposeB ? [n, k] : [k, n]) };
        const attrs = { transposeA, transposeB };
        await expectLike(device, matmulOp, ins, attrs, { accuracy: 0 });
        await expectLike(device, matmulOp, { ...ins, into: whole([m, n]) }, attrs, { accuracy: 0 });
      }
    }
    expect(device.pipelines.map(({ module }) => module)).toContain(`matmul-matrices-${side}`);
    device.dispose();
  },
);

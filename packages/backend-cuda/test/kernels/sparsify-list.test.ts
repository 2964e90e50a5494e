/** Lists in one launch: to the last bit what compact makes of what sparsify and gated-sparsify give. */
import { normal } from '@qsparse/core';
import {
  compactOp,
  gatedSparsifyListOp,
  gatedSparsifyOp,
  type SparsifyAttrs,
  sparsifyListOp,
  sparsifyOp,
} from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CudaDevice } from '../../src/index.ts';
import { missing } from '../emulated-device.ts';
import {
  expectSameInAnyOrder,
  type Float,
  floats,
  normals,
  outputsOn,
  smallDevice,
  type Values,
} from './against-reference.ts';

const PLAIN: SparsifyAttrs = { k: 1, block: 0, int8: false, ste: true, normalize: false, epsilon: 1e-6 };

/** [dtype, width, rows]: two rows a warp, a warp, four warps, a block; few rows with a block each; others. */
const SIZES: readonly (readonly [Float, number, number])[] = [
  ['bf16', 384, 35],
  ['bf16', 2048, 9],
  ['bf16', 4096, 5],
  ['bf16', 11_008, 5],
  ['bf16', 2048, 1],
  ['bf16', 4096, 1],
  ['bf16', 6912, 2],
  ['bf16', 1024, 1],
  ['bf16', 1032, 2],
  ['bf16', 16_384, 1],
  ['bf16', 11_008, 1],
  ['bf16', 1001, 3],
  ['f32', 384, 19],
  ['f32', 2048, 9],
  ['f32', 4096, 2],
  ['f32', 11_008, 1],
  ['f32', 33, 3],
];

describe.skipIf(missing)('lists of what is selected', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await smallDevice();
  });
  afterAll(() => device.dispose());

  async function expectComposite(x: Values, weight: Values | undefined, attrs: SparsifyAttrs, kind?: string) {
    const width = x.shape.at(-1)! / (kind ? 2 : 1);
    const ins = { x, ...(weight && { weight }) };
    const given = { ...attrs, ...(kind && { kind }) };
    const [select, list] = kind ? [gatedSparsifyOp, gatedSparsifyListOp] : [sparsifyOp, sparsifyListOp];
    const { y } = await outputsOn(device, { op: select, ins, attrs: given });
    const selected: Values = {
      ...{ dtype: x.dtype, shape: [...x.shape.slice(0, -1), width] },
      elements: Float64Array.from(y!),
    };
    const k = attrs.block ? (attrs.k * width) / attrs.block : attrs.k;
    const expected = await outputsOn(device, {
      ...{ op: compactOp, ins: { x: selected }, attrs: { k, int8: attrs.int8 } },
    });
    expect(await outputsOn(device, { op: list, ins, attrs: given })).toEqual(expected);
  }

  test.each(SIZES)('%s, width %i, %i rows', async (dtype, width, rows) => {
    const x = normals(1, [rows, width], dtype, { scale: 3 });
    const weight = normals(2, [width], 'f32', { scale: 0.2, shift: 1 });
    for (const k of [1, Math.ceil(width * 0.4), width - 1, width]) {
      await expectComposite(x, weight, { ...PLAIN, k, int8: true, normalize: true });
      await expectComposite(x, undefined, { ...PLAIN, k });
    }
  });

  test.each(SIZES)('gated, %s, width %i, %i rows', async (dtype, width, rows) => {
    const x = normals(1, [rows, 2 * width], dtype);
    const weight = normals(2, [width], dtype, { scale: 0.2, shift: 1 });
    for (const k of [1, Math.ceil(width * 0.4), width]) {
      await expectComposite(x, undefined, { ...PLAIN, k, int8: true }, 'squared-relu');
      await expectComposite(x, weight, { ...PLAIN, k, int8: true, normalize: true }, 'silu');
    }
    await expectComposite(x, undefined, { ...PLAIN, k: width }, 'squared-relu');
    await expectComposite(x, undefined, { ...PLAIN, k: Math.ceil(width / 2) }, 'gelu');
  });

  test('rows of zeros, of ties, of outliers and what is not finite', async () => {
    for (const width of [16, 33, 2056]) {
      const noise = normal(4, 1, width);
      const rows = [
        () => 0,
        (i: number) => (i % 3 === 0 ? 0 : 1),
        (i: number) => (i === 5 ? 1e4 : noise[i]! * 1e-3),
        (i: number) => (i === 7 ? Number.NaN : noise[i]!),
        (i: number) => (i === 3 ? Number.NEGATIVE_INFINITY : noise[i]!),
        (i: number) => noise[i]! * 1e-7,
        (i: number) => (i === 2 ? 3e38 : noise[i]! * 1e-7),
        (i: number) => noise[i]!,
      ];
      for (const dtype of ['bf16', 'f32'] as const) {
        const x = floats([rows.length, width], (i) => rows[Math.floor(i / width)]!(i % width), dtype);
        for (const k of [3, width >> 1, width]) {
          for (const int8 of [false, true]) await expectComposite(x, undefined, { ...PLAIN, k, int8 });
          await expectComposite(x, undefined, { ...PLAIN, k, normalize: true });
        }
        // So few that each has a block.
        for (const row of dtype === 'bf16' ? rows : []) {
          const one = floats([1, width], row, dtype);
          for (const int8 of [false, true])
            await expectComposite(one, undefined, { ...PLAIN, k: width >> 1, int8 });
          await expectComposite(one, undefined, { ...PLAIN, k: 3, normalize: true });
        }
        const both = floats([rows.length, width], (i) => x.elements[i]!, dtype);
        if (width % 2 === 0) {
          await expectComposite(both, undefined, { ...PLAIN, k: width / 2 }, 'squared-relu');
          await expectComposite(both, undefined, { ...PLAIN, k: 3, int8: true }, 'squared-relu');
        }
      }
    }
  });

  test('blocks', async () => {
    const x = normals(1, [3, 800], 'bf16');
    for (const int8 of [false, true]) {
      await expectComposite(x, undefined, { ...PLAIN, k: 2, block: 4, int8, normalize: true });
      await expectComposite(x, undefined, { ...PLAIN, k: 37, block: 100, int8 }, 'squared-relu');
    }
  });

  test('the same bits in any order of threads', async () => {
    for (const [rows, width] of [
      [3, 384],
      [3, 2048],
      [3, 5632],
      [1, 5632],
    ] as const) {
      const x = normals(1, [rows, width], 'bf16');
      const attrs = { ...PLAIN, k: Math.ceil(width * 0.4), int8: true, normalize: true };
      await expectSameInAnyOrder(device, { op: sparsifyListOp, ins: { x }, attrs });
    }
  });
});

/** Exact selection in every kernel that can make it: masks must be the host's, to the last tie. */
import { normal, randomWord, uniform } from '@qsparse/core';
import { selectMask, selectOp } from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CudaDevice } from '../../src/index.ts';
import { missing } from '../emulated-device.ts';
import { type Float, floats, outputsOn, smallDevice } from './against-reference.ts';

/** Rows that are hard to cut. */
const ROWS: Readonly<Record<string, (seed: number, n: number) => ArrayLike<number>>> = {
  normal: (seed, n) => normal(seed, 1, n),
  'squared ReLU': (seed, n) => normal(seed, 2, n).map((x) => Math.max(x, 0) ** 2),
  'few values': (seed, n) => normal(seed, 3, n).map((x) => Math.round(2 * x)),
  'one value': (_seed, n) => new Float64Array(n).fill(-0.7),
  zeros: (_seed, n) => Float64Array.from({ length: n }, (_, i) => (i % 2 ? -0 : 0)),
  'one outlier': (_seed, n) => Float64Array.from({ length: n }, (_, i) => (i === n >> 1 ? 1e30 : 1)),
  'all exponents': (seed, n) => uniform(seed, 4, n).map((x) => 10 ** (76 * x - 38)),
  subnormal: (seed, n) => uniform(seed, 5, n).map((x) => x * 1e-38),
  neighbours: (seed, n) =>
    Float64Array.from({ length: n }, (_, i) => 1 + (randomWord(seed, 6, i) % 5) * 2 ** -7),
  rising: (_seed, n) => Float64Array.from({ length: n }, (_, i) => i),
  'almost infinity': (_seed, n) => Float64Array.from({ length: n }, (_, i) => 3.38e38 - i * 1e33),
};
const ALL_ROWS = Object.values(ROWS);

/** [width, rows]: bounds of two rows a warp, a warp, four warps, a block; whole vectors and none; past registers. */
const WIDTHS: Readonly<Record<Float, readonly (readonly [number, number])[]>> = {
  bf16: [
    [8, 101],
    [384, 33],
    [1000, 11],
    [1024, 11],
    [1032, 11],
    [2048, 11],
    [2056, 7],
    [5632, 5],
    [8192, 3],
    [8200, 2],
    [16_384, 2],
    [1, 3],
    [33, 11],
    [5003, 4],
    [16_392, 2],
    [30_001, 1],
  ],
  f32: [
    [4, 101],
    [384, 33],
    [512, 11],
    [516, 11],
    [1024, 11],
    [1028, 7],
    [4096, 4],
    [4100, 2],
    [16_384, 2],
    [33, 11],
    [16_388, 2],
  ],
};

const BLOCKS = [2, 4, 8, 16, 32, 64, 3, 17, 48, 100, 128];

describe.skipIf(missing).each(['bf16', 'f32'] as const)('select, %s', (dtype) => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await smallDevice();
  });
  afterAll(() => device.dispose());

  async function check(
    rows: readonly ArrayLike<number>[],
    k: number,
    block: number,
    shift = 0,
  ): Promise<void> {
    const width = rows[0]!.length;
    const all = rows.flatMap((row) => Array.from(row));
    const x = floats([rows.length, width], (i) => all[i]!, dtype);
    const { mask } = await outputsOn(device, { op: selectOp, ins: { x }, attrs: { k, block }, shift });
    expect(Array.from(mask!)).toEqual(Array.from(selectMask(x.elements, width, { k, block })));
  }

  test.each(WIDTHS[dtype])('rows of %i are cut exactly', async (width, rows) => {
    const many = Array.from({ length: rows }, (_, i) => ALL_ROWS[i % ALL_ROWS.length]!(i, width));
    for (const k of new Set([1, Math.ceil(width * 0.4), Math.max(1, width - 1), width]))
      await check(many, k, 0);
  });

  test.each(Object.entries(ROWS))('exactly the host mask for rows: %s', async (_name, make) => {
    for (const width of [24, 1024, 2048]) {
      const rows = [1, 2, 3].map((seed) => make(seed, width));
      for (const k of [1, Math.ceil(width * 0.1), Math.ceil(width / 2)]) await check(rows, k, 0);
    }
  });

  test('every number of equal entries up to every k', async () => {
    const width = 40;
    for (let k = 1; k < width; k++) {
      const rows = Array.from({ length: width }, (_, equal) =>
        Float64Array.from({ length: width }, (_, i) => ((i * 7) % width <= equal ? 2 : i % 3)),
      );
      await check(rows, k, 0);
    }
  });

  test.each(BLOCKS)('in blocks of %i', async (block) => {
    const rows = ALL_ROWS.map((make, seed) => make(seed, 48 * block));
    for (const k of new Set([1, block >> 1, block])) await check(rows, k, block);
  });

  test.each(BLOCKS.slice(0, 6))('in groups of %i, for every team of threads', async (block) => {
    for (const width of [320, 1088, 2112, 8256])
      for (const k of [1, block / 2])
        await check(
          [0, 1, 2].map((seed) => ALL_ROWS[seed + 2]!(seed, width)),
          k,
          block,
        );
    await check(
      ALL_ROWS.map((make, seed) => make(seed, 1024)),
      block - 1,
      block,
    );
  });

  test('rows out of alignment', async () => {
    for (const shift of [1, 3, 8])
      await check(
        ALL_ROWS.map((make) => make(9, 128)),
        50,
        0,
        shift,
      );
  });

  test('a NaN or an infinity anywhere spoils its row and no other', async () => {
    for (const width of [16, 19, 2048, 4100]) {
      for (const bad of [Number.NaN, Infinity, -Infinity]) {
        const numbers = normal(1, 1, 3 * width);
        numbers[2 * width - 1] = bad;
        const x = floats([3, width], (i) => numbers[i]!, dtype);
        const { mask } = await outputsOn(device, { op: selectOp, ins: { x }, attrs: { k: 7, block: 0 } });
        const rows = [0, 1, 2].map((row) => Array.from(mask!).slice(row * width, (row + 1) * width));
        expect(rows.map((row) => row.every(Number.isNaN))).toEqual([false, true, false]);
        expect(rows[0]!.reduce((sum, one) => sum + one)).toBe(7);
      }
    }
  });
});

import { type CpuDevice, cpuDevice } from '@qsparse/backend-cpu';
import { normal, randomWord, uniform } from '@qsparse/core';
import { selectMask, selectOp } from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { floats, outputsOn } from './op-fixture.ts';

/** Rows that are hard to cut: ties, zeros, many exponents, one outlier, smooth and rough. */
const ROWS: Readonly<Record<string, (seed: number, n: number) => ArrayLike<number>>> = {
  normal: (seed, n) => normal(seed, 1, n),
  'squared ReLU': (seed, n) => normal(seed, 2, n).map((x) => Math.max(x, 0) ** 2),
  'few values': (seed, n) => normal(seed, 3, n).map((x) => Math.round(2 * x)),
  'one value': (_seed, n) => new Float64Array(n).fill(-0.7),
  zeros: (_seed, n) => Float64Array.from({ length: n }, (_, i) => (i % 2 ? -0 : 0)),
  'one outlier': (_seed, n) => Float64Array.from({ length: n }, (_, i) => (i === n >> 1 ? 1e30 : 1)),
  'all exponents': (seed, n) => uniform(seed, 4, n).map((x) => 10 ** (76 * x - 38)),
  subnormal: (seed, n) => uniform(seed, 5, n).map((x) => x * 1e-42),
  'neighbouring floats': (seed, n) =>
    Float64Array.from({ length: n }, (_, i) => 1 + (randomWord(seed, 6, i) % 5) * 2 ** -23),
  rising: (_seed, n) => Float64Array.from({ length: n }, (_, i) => i),
  'almost the largest float': (_seed, n) => Float64Array.from({ length: n }, (_, i) => 3.4e38 - i * 1e33),
};

const WIDTHS = [1, 2, 3, 7, 16, 17, 64, 255, 600, 4099];
const BLOCKS = [2, 3, 4, 8, 15, 16, 17, 32, 48, 64, 100];

describe.each(['relaxed', 'baseline'] as const)('select, %s', (simd) => {
  let device: CpuDevice;
  beforeAll(async () => {
    device = await cpuDevice({ threads: 2, simd });
  });
  afterAll(() => device.dispose());

  async function check(rows: readonly ArrayLike<number>[], k: number, block: number): Promise<void> {
    const width = rows[0]!.length;
    const x = floats(
      [rows.length, width],
      rows.flatMap((row) => Array.from(row)),
    );
    const { mask } = await outputsOn(device, selectOp, { x }, { k, block });
    expect(Array.from(mask!)).toEqual(Array.from(selectMask(x.elements, width, { k, block })));
  }

  test.each(Object.entries(ROWS))('exactly the host mask for rows: %s', async (_name, make) => {
    for (const width of WIDTHS) {
      const rows = [1, 2, 3].map((seed) => make(seed, width));
      for (const k of new Set([
        1,
        Math.ceil(width * 0.1),
        Math.ceil(width / 2),
        Math.max(1, width - 1),
        width,
      ])) {
        await check(rows, k, 0);
      }
    }
  });

  test.each(Object.entries(ROWS))('exactly the host mask for blocks: %s', async (_name, make) => {
    for (const block of BLOCKS) {
      const rows = [1, 2, 3].map((seed) => make(seed, 5 * block));
      for (const k of new Set([1, block >> 1, block])) await check(rows, k, block);
    }
  });

  test('rows of unlike kinds that follow each other do not disturb each other', async () => {
    await check(
      Object.values(ROWS).map((make) => make(9, 128)),
      50,
      0,
    );
  });

  test('a NaN or an infinity anywhere spoils its row and no other', async () => {
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      for (const at of [0, 5, 18]) {
        const rows = [1, 2, 3].map((seed) => Array.from(normal(seed, 1, 19)));
        rows[1]![at] = bad;
        const { mask } = await outputsOn(
          device,
          selectOp,
          { x: floats([3, 19], rows.flat()) },
          { k: 7, block: 0 },
        );
        const spoilt = Array.from({ length: 3 }, (_, row) =>
          mask!.subarray(row * 19, row * 19 + 19).every(Number.isNaN),
        );
        expect(spoilt).toEqual([false, true, false]);
        expect(mask!.subarray(0, 19).reduce((sum, one) => sum + one)).toBe(7);
      }
    }
  });
});

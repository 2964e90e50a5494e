/** The list that is made at once equals the one that is made of a selected row: every index, level and scale. */
import { type CpuDevice, cpuDevice } from '@qsparse/backend-cpu';
import { noGrad, normal, scope, tensor, uniform } from '@qsparse/core';
import { type ChannelList, compact, sparsify, sparsifyList } from '@qsparse/quantizers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROWS: Readonly<Record<string, (n: number) => ArrayLike<number>>> = {
  normal: (n) => normal(1, 1, n),
  'ties at the cut': (n) => normal(2, 2, n).map((x) => Math.round(2 * x)),
  'fewer entries than places': (n) => Float64Array.from({ length: n }, (_, i) => (i % 9 === 4 ? i - 40 : 0)),
  'one outlier, so that most levels are 0': (n) =>
    Float64Array.from({ length: n }, (_, i) => (i === n >> 1 ? -1e6 : 1 + i)),
  zeros: (n) => new Float64Array(n),
  'below the smallest scale': (n) => normal(3, 3, n).map((x) => x * 1e-7),
  subnormal: (n) => uniform(4, 4, n).map((x) => x * 1e-42),
  '127 times them is infinite': (n) => normal(5, 5, n).map((x) => x * 5e37),
  'one NaN': (n) => normal(6, 6, n).map((x, i) => (i === 3 ? Number.NaN : x)),
  'one infinity': (n) => normal(7, 7, n).map((x, i) => (i === 5 ? Number.NEGATIVE_INFINITY : x)),
};

describe.each(['relaxed', 'baseline'] as const)('sparsify-list, %s', (simd) => {
  let device: CpuDevice;
  beforeAll(async () => {
    device = await cpuDevice({ threads: 2, simd });
  });
  afterAll(() => device.dispose());

  const contents = async ({ indices, values, count, scale }: ChannelList) =>
    Promise.all([indices, values, count, scale!].map(async (part) => Array.from(await part.data())));

  test.each(Object.entries(ROWS))('rows: %s', async (_name, make) => {
    for (const n of [7, 17, 64, 601, 1024]) {
      const x = tensor(device, Float32Array.from([...Array.from(make(n)), ...Array.from(make(n))]), [2, n]);
      for (const k of new Set([1, 2, Math.ceil(n * 0.39), n - 1, n])) {
        for (const normalize of [false, true]) {
          const [own, expected] = scope(() =>
            noGrad(() => {
              const options = { k, int8: true, normalize };
              return [sparsifyList(x, options), compact(sparsify(x, options), { k, int8: true })];
            }),
          );
          expect(await contents(own)).toEqual(await contents(expected));
        }
      }
    }
  });
});

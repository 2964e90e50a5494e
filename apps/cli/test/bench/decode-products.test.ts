import { referenceDevice } from '@qsparse/core/reference';
import { packChannelMajor } from '@qsparse/quantizers';
import { expect, test } from 'vitest';
import { timeDecodeProducts } from '../../src/bench/decode-products.ts';
import { listSums, relativeError, ternarySums } from '../../src/bench/product-check.ts';

test('every product is right, and what is left out is not counted as read', async () => {
  const device = referenceDevice();
  let ticks = 0;
  const timed = Object.create(device, {
    time: {
      value: async (work: () => void) => {
        work();
        return ++ticks;
      },
    },
  }) as Parameters<typeof timeDecodeProducts>[0];
  const { products, readRate, copyRate } = await timeDecodeProducts(timed, {
    ...{ shapes: [[20, 33]], weights: ['f32', 'i8', 'ternary'], sparsities: [0, 0.6] },
    ...{ roofFloats: 64, betweenUses: 1 },
  });
  expect(products.map(({ weights, sparsity }) => `${weights} ${sparsity}`)).toEqual(
    ['f32', 'i8', 'ternary'].flatMap((weights) => [`${weights} 0`, `${weights} 0.6`]),
  );
  const roof = Math.max(readRate, copyRate) * 1e3;
  for (const [i, { error, floorMicroseconds, share, microseconds, speedupOfOwn }] of products.entries()) {
    expect(error).toBeLessThan(1e-6);
    const bytes = [4 * 33, 33, 64][i >> 1]! * (i % 2 ? 8 : 20);
    expect(floorMicroseconds).toBeCloseTo(bytes / roof, 9);
    expect(share).toBeCloseTo(floorMicroseconds / microseconds, 9);
    if (i % 2 === 0) expect(speedupOfOwn).toBe(1);
  }
  expect(device.memory()).toMatchObject({ count: 0, programs: 0 });
});

test('what cannot be run is told and costs the others nothing, and variants are timed apart', async () => {
  const device = referenceDevice();
  const used: string[] = [];
  let ticks = 0;
  const timed = Object.create(device, {
    time: {
      value: async (work: () => void) => {
        if (used.at(-1) === 'broken') throw new Error('no such launch');
        work();
        return used.length > 0 && used.at(-1) === 'slow' ? 50 : ++ticks / 1000;
      },
    },
  }) as Parameters<typeof timeDecodeProducts>[0];
  const variants = ['quick', 'broken', 'slow'].map((name) => ({ name, use: () => void used.push(name) }));
  const { products, failures } = await timeDecodeProducts(timed, {
    ...{ shapes: [[9, 5]], weights: ['ternary'], sparsities: [0, 0.5], variants },
    ...{ roofFloats: 64, betweenUses: 1 },
  });
  expect(products.map(({ variant, sparsity }) => `${variant} ${sparsity}`)).toEqual([
    'quick 0',
    'slow 0',
    'quick 0.5',
    'slow 0.5',
  ]);
  expect(products[3]!.microseconds).toBe(50_000 / 4);
  expect(products[3]!.speedupOfOwn).toBe(1);
  expect(failures).toEqual(
    [0, 0.5].map((sparsity) => ({
      ...{
        inputs: 9,
        outputs: 5,
        weights: 'ternary',
        sparsity,
        variant: 'broken',
        failure: 'no such launch',
      },
    })),
  );
  expect(device.memory()).toMatchObject({ count: 0, programs: 0 });
});

test('sums on the host', () => {
  const w = Float32Array.from({ length: 4 * 300 }, (_, i) => (i % 3) - 1);
  const [indices, values] = [
    [1, 3],
    [5, -2],
  ];
  const sums = listSums(indices, values, w, 300);
  expect(sums[7]).toBe(5 * w[307]! - 2 * w[907]!);
  const transposed = Float32Array.from({ length: w.length }, (_, i) => w[(i % 4) * 300 + Math.floor(i / 4)]!);
  const packed = new Int8Array(packChannelMajor(transposed, 300, 4).buffer);
  expect(ternarySums(indices, values, packed, 300)).toEqual(sums);
  expect(relativeError([2, 4], [1, 2], 2)).toBe(0);
  expect(relativeError([3, 4], [3, 0])).toBeCloseTo(4 / 3);
  expect(relativeError([Number.NaN], [1])).toBeNaN();
});

/**
 * The own kernels of the matrix product at sizes that the conformance suite does not reach: several tiles, groups of tiles,
 * sums that are split over k, rows of whole vectors and others, chips without tensor cores.
 */
import {
  type MatmulAttrs,
  matmulOp,
  matmulSizes,
  noGrad,
  normal,
  run,
  type Shape,
  scope,
  sizeOf,
  tensor,
} from '@qsparse/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CudaDevice } from '../../src/index.ts';
import { emulatedDevice, missing } from '../emulated-device.ts';
import { openControl } from '../matmul/emulated-gemm.ts';

type Float = 'f32' | 'bf16';

interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly operands: Float;
  readonly result?: Float;
  readonly start?: 'add' | 'into';
  readonly attrs?: Partial<MatmulAttrs>;
  readonly batch?: number;
  readonly sharedB?: boolean;
}

const FLAGS: readonly MatmulAttrs[] = [false, true].flatMap((transposeA) =>
  [false, true].map((transposeB) => ({ transposeA, transposeB })),
);

/** Rounded to the upper half of float32, so that both dtypes take the same numbers. */
const numbers = (seed: number, shape: Shape): Float32Array =>
  new Float32Array(
    new Uint32Array(Float32Array.from(normal(seed, 1, sizeOf(shape))).buffer).map((bits) => bits & 0xffff0000)
      .buffer,
  );

/** The largest error as a share of what the size of its terms allows; above 1 is wrong. */
async function worst(device: CudaDevice, product: Product): Promise<number> {
  const { m, n, k, operands, result = operands, start, batch, sharedB = false } = product;
  const attrs = { transposeA: false, transposeB: false, ...product.attrs };
  const lead = batch === undefined ? [] : [batch];
  const shapes = {
    a: [...lead, ...(attrs.transposeA ? [k, m] : [m, k])],
    b: [...(sharedB ? [] : lead), ...(attrs.transposeB ? [n, k] : [k, n])],
    ...(start && { [start]: [...lead, m, n] }),
  } as Record<string, Shape>;
  const values = Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [name, numbers(i + 1, shape)]),
  );
  const dtypeOf = (name: string): Float => (name === 'a' || name === 'b' ? operands : result);
  // In an array, since a scope gives back no promise.
  const [read] = scope(() =>
    noGrad(() => {
      const ins = Object.fromEntries(
        Object.entries(shapes).map(([name, shape]) => [
          name,
          tensor(device, values[name]!, shape, dtypeOf(name)),
        ]),
      );
      return [run(matmulOp, ins as never, attrs).y.data()] as const;
    }),
  );
  const types = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, { dtype: 'f32', shape }]),
  );
  const sum = new Float64Array(sizeOf([...lead, m, n]));
  const size = new Float64Array(sum.length);
  const exact = (convert: (x: number) => number) =>
    Object.fromEntries(Object.entries(values).map(([name, x]) => [name, Float64Array.from(x, convert)]));
  matmulOp.reference(exact((x) => x) as never, { y: sum }, attrs, types as never);
  matmulOp.reference(exact(Math.abs) as never, { y: size }, attrs, types as never);
  const got = await read;
  const rounding = result === 'bf16' ? 2 ** -8 : 0;
  return sum.reduce((largest, want, i) => {
    const error = Math.abs(got[i]! - want) / (rounding * Math.abs(want) + 1e-6 * size[i]!);
    return Number.isNaN(error) ? Number.NaN : Math.max(largest, error);
  }, 0);
}

const nameOf = ({ m, n, k, operands, result = operands, start, attrs = {}, batch }: Product): string => {
  const flags = `${attrs.transposeA ? 'T' : 'N'}${attrs.transposeB ? 'T' : 'N'}`;
  return `${flags} ${m}x${n}x${k} ${operands}>${result} ${start ?? 'alone'}${batch === undefined ? '' : ` batch ${batch}`}`;
};

// Each kernel with rows of whole vectors and without, each with something to start from and without.
const TILES: readonly Product[] = FLAGS.flatMap((attrs): Product[] => [
  { m: 136, n: 264, k: 104, operands: 'bf16', attrs, start: 'add' },
  { m: 129, n: 135, k: 67, operands: 'bf16', result: 'f32', attrs, start: 'into' },
  { m: 132, n: 132, k: 36, operands: 'f32', attrs },
  { m: 129, n: 135, k: 19, operands: 'f32', attrs, start: 'add' },
]);
const GROUPS: readonly Product[] = (['f32', 'bf16'] as const).map((operands) => ({
  m: 1100,
  n: 150,
  k: 8,
  operands,
}));
const SPLIT: readonly Product[] = FLAGS.flatMap((attrs): Product[] => [
  { m: 16, n: 24, k: 1056, operands: 'bf16', result: 'f32', attrs, start: 'into' },
  { m: 17, n: 33, k: 777, operands: 'bf16', attrs, start: 'add' },
  { m: 12, n: 20, k: 515, operands: 'f32', attrs, start: 'into' },
]);
const FEW_ROWS: readonly Product[] = FLAGS.flatMap((attrs): Product[] => [
  { m: 1, n: 264, k: 264, operands: 'bf16', attrs, start: 'add' },
  { m: 1, n: 35, k: 301, operands: 'f32', attrs },
  { m: 3, n: 41, k: 517, operands: 'bf16', result: 'f32', attrs, start: 'into' },
  { m: 8, n: 264, k: 136, operands: 'bf16', attrs },
  { m: 8, n: 132, k: 260, operands: 'f32', attrs, start: 'add' },
]);
const BATCHES: readonly Product[] = FLAGS.flatMap((attrs) =>
  [true, false].flatMap((sharedB): Product[] => [
    { m: 24, n: 40, k: 48, operands: 'bf16', attrs, batch: 3, sharedB, start: 'add' },
    { m: 11, n: 13, k: 600, operands: 'f32', attrs, batch: 2, sharedB },
    { m: 4, n: 13, k: 520, operands: 'bf16', attrs, batch: 2, sharedB },
  ]),
);

describe.skipIf(missing)('matmul on its own kernels', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await emulatedDevice({ cublasLt: false });
  });
  afterAll(() => device.dispose());

  for (const [what, products] of Object.entries({ TILES, GROUPS, SPLIT, FEW_ROWS, BATCHES })) {
    describe(what, () => {
      test.each(products.map((product) => [nameOf(product), product] as const))(
        '%s',
        async (_name, product) => {
          expect(await worst(device, product)).toBeLessThanOrEqual(1);
        },
      );
    });
  }

  test('a split sum has the same bits every time', async () => {
    const shape = { a: [1056, 16], b: [1056, 24] };
    const attrs = { transposeA: true, transposeB: false };
    expect(matmulSizes(shape.a, shape.b, attrs).k).toBe(1056);
    const once = () =>
      scope(() =>
        noGrad(() => {
          const a = tensor(device, numbers(1, shape.a), shape.a, 'bf16');
          const b = tensor(device, numbers(2, shape.b), shape.b, 'bf16');
          return [run(matmulOp, { a, b }, attrs).y.data()] as const;
        }),
      );
    expect(await once()[0]).toEqual(await once()[0]);
  });
});

describe.skipIf(missing)('matmul without tensor cores', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    const control = openControl();
    control.set('CAPABILITY', '75');
    try {
      device = await emulatedDevice({ cublasLt: false });
    } finally {
      control.set('CAPABILITY', '90');
    }
  });
  afterAll(() => device.dispose());

  const products = [...TILES, ...SPLIT].filter(({ operands }) => operands === 'bf16');
  test.each(products.map((product) => [nameOf(product), product] as const))('%s', async (_name, product) => {
    expect(device.computeCapability).toBe(75);
    expect(await worst(device, product)).toBeLessThanOrEqual(1);
  });
});

import { type Runtime, startRuntime } from '@qsparse/backend-cpu/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expected, multiply, type Product, randomNumbers } from './gemm-fixture.ts';

/** Largest error over the sum of the magnitudes of the terms. */
function worstError(runtime: Runtime, product: Product, seed: number, misalign = 0): number {
  const actual = multiply(runtime, product, seed, misalign);
  const { value, scale } = expected(product, seed);
  let worst = 0;
  for (const [i, x] of actual.entries()) {
    const error = Math.abs(x - value[i]!) / scale[i]!;
    if (!(error <= worst)) worst = error; // a NaN left over must win
    if (Number.isNaN(worst)) return worst;
  }
  return worst;
}

const TOLERANCE = 1e-6; // float32 has 6e-8; sums of k <= 700 terms of random sign stay far below
const FLAGS = [false, true];
const TRANSPOSES = FLAGS.flatMap((transposeA) => FLAGS.map((transposeB) => ({ transposeA, transposeB })));

// Around the tile (6 x 8), the vector width, the unpacked paths (1 to 8 rows, one column) and the blocks (96, 640, 256).
const SHAPES = [
  [1, 1, 1],
  [1, 7, 3],
  [1, 65, 33],
  [2, 5, 9],
  [3, 17, 12],
  [4, 33, 8],
  [5, 9, 31],
  [6, 8, 4],
  [7, 16, 5],
  [8, 40, 21],
  [9, 1, 13],
  [12, 24, 1],
  [13, 23, 29],
  [50, 1, 70],
  [31, 8, 257],
  [97, 33, 260],
  [9, 700, 20],
  [100, 101, 513],
] as const;

describe.each([
  { threads: 1, simd: 'relaxed' },
  { threads: 2, simd: 'relaxed' },
  { threads: 3, simd: 'baseline' },
] as const)('matmul with $threads threads, $simd', ({ threads, simd }) => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await startRuntime({ threads, simd });
  });
  afterAll(() => runtime.dispose());

  test.each(TRANSPOSES)('odd shapes, $transposeA $transposeB', (transposes) => {
    for (const [index, [m, n, k]] of SHAPES.entries()) {
      for (const accumulate of FLAGS) {
        const product = { m, n, k, accumulate, ...transposes };
        expect(worstError(runtime, product, 100 + index, index % 4), JSON.stringify(product)).toBeLessThan(
          TOLERANCE,
        );
      }
    }
  });

  test('random shapes', () => {
    const random = randomNumbers(7 + threads);
    const upTo = (most: number) => 1 + Math.floor(random() * most);
    for (let round = 0; round < 40; round++) {
      const product = {
        ...{ m: upTo(40), n: upTo(60), k: upTo(90), batch: upTo(5) },
        ...{ transposeA: random() < 0.5, transposeB: random() < 0.5 },
        ...{ accumulate: random() < 0.5, shareB: random() < 0.5 },
      };
      expect(worstError(runtime, product, round, round % 3), JSON.stringify(product)).toBeLessThan(TOLERANCE);
    }
  });
});

describe('the number of threads', () => {
  const runtimes: Runtime[] = [];
  beforeAll(async () => {
    for (const threads of [1, 2, 3, 5, 8]) runtimes.push(await startRuntime({ threads }));
  });
  afterAll(() => {
    for (const runtime of runtimes) runtime.dispose();
  });

  test.each<Product>([
    { m: 1, n: 100, k: 77 },
    { m: 3, n: 70, k: 65, transposeB: true },
    { m: 200, n: 1, k: 90 },
    { m: 11, n: 13, k: 300, accumulate: true },
    { m: 128, n: 96, k: 300 },
    { m: 20, n: 200, k: 40, transposeA: true, transposeB: true },
    { m: 14, n: 30, k: 33, batch: 5 },
    { m: 5, n: 30, k: 33, batch: 5, shareB: true, accumulate: true },
  ])('does not change a bit: %o', (product) => {
    const [first, ...others] = runtimes.map(
      (runtime) => new Uint32Array(multiply(runtime, product, 3).buffer),
    );
    for (const other of others) expect(other).toEqual(first);
  });
});

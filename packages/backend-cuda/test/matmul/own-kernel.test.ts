import { matmulSizes, type Shape } from '@qsparse/core';
import { describe, expect, test } from 'vitest';
import type { LaunchContext } from '../../src/launch.ts';
import { launchOwnGemm, splitOf } from '../../src/matmul/own-kernel.ts';
import { type GemmDType, type GemmStart, gemmPlan } from '../../src/matmul/plan.ts';

interface Launched {
  readonly kernel: string;
  readonly args: Readonly<Record<string, number>>;
  readonly grid: readonly (number | undefined)[];
  readonly shared: number;
}

const A = 0x10000;
const B = 0x20000;
const C = 0x30000;
const D = 0x40000;
const TEMPORARY = 0x50000;

/** What a product launches, and the bytes of temporary memory that it takes. */
function launched(
  a: Shape,
  b: Shape,
  options: {
    transposeA?: boolean;
    transposeB?: boolean;
    operands?: GemmDType;
    result?: GemmDType;
    start?: GemmStart;
    shift?: Partial<Record<'a' | 'b' | 'c' | 'd', number>>;
    capability?: number;
  } = {},
): { launches: Launched[]; temporary: number } {
  const { transposeA = false, transposeB = false, operands = 'bf16', start = 'zero', shift = {} } = options;
  const launches: Launched[] = [];
  let temporary = 0;
  const context: LaunchContext = {
    multiprocessors: 132,
    computeCapability: options.capability ?? 90,
    launch(kernel, args, grid, { shared = 0 } = {}) {
      launches.push({ kernel, args, grid, shared });
    },
    gemm: () => false,
    counters: () => 0,
    temporary(bytes) {
      temporary += bytes;
      return TEMPORARY;
    },
  };
  const attrs = { transposeA, transposeB };
  const plan = gemmPlan(matmulSizes(a, b, attrs), attrs, operands, options.result ?? operands, start);
  const { a: sa = 0, b: sb = 0, c: sc = 0, d: sd = 0 } = shift;
  const d = D + sd;
  launchOwnGemm(plan, { a: A + sa, b: B + sb, c: start === 'add' ? C + sc : d, d }, context);
  return { launches, temporary };
}

describe('the kernel follows the shape, the dtype and the generation', () => {
  test('tensor cores take bf16 from compute capability 8.0 on, each transpose its kernel', () => {
    const kernel = (transposeA: boolean, transposeB: boolean, capability: number) =>
      launched([64, 64], [64, 64], { transposeA, transposeB, capability }).launches[0]!.kernel;
    expect(kernel(false, false, 80)).toBe('matmul_nn_bf16');
    expect(kernel(false, true, 90)).toBe('matmul_nt_bf16');
    expect(kernel(true, false, 100)).toBe('matmul_tn_bf16');
    expect(kernel(true, true, 89)).toBe('matmul_tt_bf16');
    expect(kernel(true, true, 75)).toBe('matmul_plain_bf16');
    expect(launched([64, 64], [64, 64], { operands: 'f32' }).launches[0]!.kernel).toBe('matmul_plain_f32');
  });

  test('up to eight rows take the kernels that read b once', () => {
    const kernel = (rows: number, transposeB: boolean, operands: GemmDType) =>
      launched([rows, 64], [64, 64], { transposeB, operands }).launches[0]!.kernel;
    expect(kernel(1, false, 'bf16')).toBe('matmul_one_row_along_n_bf16');
    expect(kernel(2, true, 'bf16')).toBe('matmul_few_rows_along_k_bf16');
    expect(kernel(8, false, 'f32')).toBe('matmul_few_rows_along_n_f32');
    expect(kernel(9, false, 'f32')).toBe('matmul_plain_f32');
  });

  test('a grid covers every tile and every matrix', () => {
    expect(launched([130, 64], [64, 257]).launches[0]!.grid).toEqual([2 * 3, 1, 1]);
    expect(launched([70_000, 16, 16], [70_000, 16, 16]).launches[0]!.grid).toEqual([1, 1, 65_535]);
    expect(launched([1, 64], [64, 257]).launches[0]!.grid).toEqual([2, 1, 1]);
    expect(launched([1, 64], [257, 64], { transposeB: true }).launches[0]!.grid).toEqual([9, 1, 1]);
  });

  test('tensor-core kernels fit the shared memory that needs no permission', () => {
    expect(launched([64, 64], [64, 64]).launches[0]!.shared).toBe(48 * 1024);
  });
});

describe('16-byte access', () => {
  const wide = (a: Shape, b: Shape, options: Parameters<typeof launched>[2] = {}) => {
    const { wideA, wideB, wideD } = launched(a, b, options).launches[0]!.args;
    return [wideA, wideB, wideD];
  };
  test('where rows as stored are whole vectors', () => {
    expect(wide([64, 64], [64, 64])).toEqual([1, 1, 1]);
    expect(wide([64, 20], [20, 64])).toEqual([0, 1, 1]);
    expect(wide([20, 64], [64, 20])).toEqual([1, 0, 0]);
    expect(wide([64, 20], [64, 24], { transposeA: true })).toEqual([0, 1, 1]);
    expect(wide([64, 20], [24, 20], { transposeB: true })).toEqual([0, 0, 1]);
    expect(wide([64, 20], [20, 64], { operands: 'f32' })).toEqual([1, 1, 1]);
  });
  test('where addresses are multiples of 16', () => {
    expect(wide([64, 64], [64, 64], { shift: { a: 2 } })).toEqual([0, 1, 1]);
    expect(wide([64, 64], [64, 64], { shift: { b: 8 } })).toEqual([1, 0, 1]);
    expect(wide([64, 64], [64, 64], { shift: { d: 4 } })).toEqual([1, 1, 0]);
    expect(wide([64, 64], [64, 64], { start: 'add', shift: { c: 2 } })).toEqual([1, 1, 0]);
    expect(wide([64, 64], [64, 64], { start: 'add', shift: { c: 16 } })).toEqual([1, 1, 1]);
  });
});

describe('what a product starts from', () => {
  const args = (start: GemmStart) => launched([64, 64], [64, 64], { start }).launches[0]!.args;
  test('nothing, d, or another tensor', () => {
    expect(args('zero')).toMatchObject({ c: 0, d: D });
    expect(args('into')).toMatchObject({ c: D, d: D });
    expect(args('add')).toMatchObject({ c: C, d: D });
  });
  test('f32 sums of bf16 operands', () => {
    const { launches } = launched([64, 64], [64, 64], { result: 'f32', start: 'into' });
    expect(launches[0]).toMatchObject({ kernel: 'matmul_nn_bf16', args: { resultIsBf16: 0 } });
  });
});

describe('long sums for a small result', () => {
  test('are split over k, and the parts are added once', () => {
    const { launches, temporary } = launched([65_536, 384], [65_536, 1024], {
      transposeA: true,
      result: 'f32',
      start: 'into',
    });
    const [product, sum] = launches;
    const parts = product!.grid[1]!;
    expect(parts).toBeGreaterThan(4);
    expect(product!.args).toMatchObject({ partial: TEMPORARY });
    expect(parts * product!.args.split!).toBeGreaterThanOrEqual(65_536);
    expect((parts - 1) * product!.args.split!).toBeLessThan(65_536);
    expect(temporary).toBe(parts * 384 * 1024 * 4);
    expect(sum).toMatchObject({
      kernel: 'matmul_sum_f32',
      args: { partial: TEMPORARY, c: D, d: D, size: 384 * 1024, parts, wide: 1 },
    });
  });

  test('the grid depends on no count of multiprocessors, and full grids are not split', () => {
    expect(launched([4096, 4096], [4096, 4096]).launches).toHaveLength(1);
    expect(launched([64, 64], [64, 64]).temporary).toBe(0);
  });

  test('parts are whole steps and no shorter than 256', () => {
    for (const k of [1, 31, 256, 511, 512, 513, 1000, 4096, 5003, 65_536, 1_000_003]) {
      for (const blocks of [1, 3, 24, 131, 132, 133, 264, 1000]) {
        const { split, parts } = splitOf(k, blocks, { enough: 264, shortest: 256 });
        expect(parts * split).toBeGreaterThanOrEqual(k);
        expect((parts - 1) * split).toBeLessThan(k);
        if (parts === 1) continue;
        expect(split % 32).toBe(0);
        expect(split).toBeGreaterThanOrEqual(256);
        expect(parts * blocks).toBeLessThanOrEqual(264);
      }
    }
  });
});

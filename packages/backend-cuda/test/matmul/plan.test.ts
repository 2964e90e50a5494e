import { type MatmulAttrs, matmulOp, matmulSizes, type Type } from '@qsparse/core';
import { describe, expect, test } from 'vitest';
import {
  type ColumnMajor,
  columnMajor,
  type GemmPlan,
  type GemmStart,
  gemmPlan,
  planKey,
} from '../../src/matmul/plan.ts';

const FLAGS: readonly MatmulAttrs[] = [false, true].flatMap((transposeA) =>
  [false, true].map((transposeB) => ({ transposeA, transposeB })),
);
const f32 = (...shape: number[]): Type => ({ dtype: 'f32', shape });

const numbers = (count: number, seed: number): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => ((i * 37 + seed * 11) % 19) - 9);

/** What cuBLASLt does with the layouts of a plan, element by element. */
function columnByColumn(plan: GemmPlan, a: Float64Array, b: Float64Array, c: Float64Array): Float64Array {
  const { first, second, result, transposeFirst, transposeSecond } = columnMajor(plan);
  const element = (
    from: Float64Array,
    { leading, stride }: ColumnMajor,
    p: number,
    row: number,
    column: number,
  ) => from[p * stride + column * leading + row]!;
  const sums = transposeFirst ? first.rows : first.columns;
  expect(transposeSecond ? second.columns : second.rows).toBe(sums);
  expect([
    transposeFirst ? first.columns : first.rows,
    transposeSecond ? second.rows : second.columns,
  ]).toEqual([result.rows, result.columns]);
  const d = new Float64Array(c.length).fill(Number.NaN);
  for (let p = 0; p < plan.batch; p++) {
    for (let i = 0; i < result.rows; i++) {
      for (let j = 0; j < result.columns; j++) {
        let sum = 0;
        for (let l = 0; l < sums; l++) {
          const left = transposeFirst ? element(b, first, p, l, i) : element(b, first, p, i, l);
          const right = transposeSecond ? element(a, second, p, j, l) : element(a, second, p, l, j);
          sum += left * right;
        }
        d[p * result.stride + j * result.leading + i] = sum + plan.beta * element(c, result, p, i, j);
      }
    }
  }
  return d;
}

function check(a: Type, b: Type, attrs: MatmulAttrs, start: GemmStart): void {
  const sizes = matmulSizes(a.shape, b.shape, attrs);
  const plan = gemmPlan(sizes, attrs, 'f32', 'f32', start);
  const [left, right] = [
    numbers(
      a.shape.reduce((x, y) => x * y),
      1,
    ),
    numbers(
      b.shape.reduce((x, y) => x * y),
      2,
    ),
  ];
  const c = numbers(plan.batch * plan.m * plan.n, 3);
  const expected = new Float64Array(c.length);
  const types = { a, b, y: f32(...matmulOp.infer({ a, b }, attrs).y.shape) };
  const ins = { a: left, b: right, ...(start !== 'zero' && { [start]: c }) };
  matmulOp.reference(ins, { y: expected }, attrs, types);
  expect(columnByColumn(plan, left, right, c)).toEqual(expected);
}

describe('a row-major product is the column-major one with its operands swapped', () => {
  for (const attrs of FLAGS) {
    const { transposeA, transposeB } = attrs;
    const name = `${transposeA ? 'T' : 'N'}${transposeB ? 'T' : 'N'}`;
    const stored = (rows: number, columns: number, transposed: boolean) =>
      transposed ? [columns, rows] : [rows, columns];
    for (const [m, n, k] of [
      [1, 1, 1],
      [2, 3, 4],
      [5, 1, 7],
      [1, 6, 2],
      [7, 5, 3],
    ] as const) {
      test(`${name} ${m}x${n}x${k}`, () => {
        for (const start of ['zero', 'into', 'add'] as const)
          check(f32(...stored(m, k, transposeA)), f32(...stored(k, n, transposeB)), attrs, start);
      });
    }
    test(`${name} batches`, () => {
      const a = f32(2, 3, ...stored(4, 5, transposeA));
      check(a, f32(2, 3, ...stored(5, 7, transposeB)), attrs, 'add');
      check(a, f32(...stored(5, 7, transposeB)), attrs, 'zero');
    });
  }
});

test('matrices that share b are more rows, or a batch with stride 0 where a is transposed', () => {
  const shared = (attrs: MatmulAttrs, a: Type) =>
    gemmPlan(matmulSizes(a.shape, [5, 7], attrs), attrs, 'bf16', 'bf16', 'zero');
  const plain = shared({ transposeA: false, transposeB: false }, f32(6, 4, 5));
  expect(plain).toMatchObject({ batch: 1, m: 24, n: 7, k: 5 });
  const transposed = shared({ transposeA: true, transposeB: false }, f32(6, 5, 4));
  expect(transposed).toMatchObject({ batch: 6, m: 4, strideA: 20, strideB: 0, strideD: 28 });
});

test('only what starts from another tensor has c apart from d', () => {
  const plan = (start: GemmStart) =>
    gemmPlan(matmulSizes([2, 3], [3, 4], FLAGS[0]!), FLAGS[0]!, 'bf16', 'f32', start);
  expect(plan('zero')).toMatchObject({ beta: 0, inPlace: true });
  expect(plan('into')).toMatchObject({ beta: 1, inPlace: true });
  expect(plan('add')).toMatchObject({ beta: 1, inPlace: false });
});

test('layouts keep the dtypes of operands and result apart', () => {
  const plan = gemmPlan(matmulSizes([2, 3], [3, 4], FLAGS[0]!), FLAGS[0]!, 'bf16', 'f32', 'into');
  const { first, second, result } = columnMajor(plan);
  expect([first.dtype, second.dtype, result.dtype]).toEqual(['bf16', 'bf16', 'f32']);
});

test('keys differ in everything that an algorithm may depend on', () => {
  const base = gemmPlan(matmulSizes([16, 32], [32, 64], FLAGS[0]!), FLAGS[0]!, 'bf16', 'bf16', 'into');
  const others: Partial<GemmPlan>[] = [
    { m: 17 },
    { n: 65 },
    { k: 33 },
    { batch: 2 },
    { transposeA: true },
    { transposeB: true },
    { operands: 'f32' },
    { result: 'f32' },
    { strideA: 0 },
    { strideB: 2048 },
    { strideD: 0 },
    { beta: 0 },
    { inPlace: false },
  ];
  const keys = others.map((other) => planKey({ ...base, ...other }));
  expect(new Set([...keys, planKey(base)]).size).toBe(others.length + 1);
  expect(planKey({ ...base })).toBe(planKey(base));
});

import {
  DTypeError,
  matmul,
  matmulOp,
  matmulSizes,
  reshape,
  ShapeError,
  type Tensor,
  tensor,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();
const plain = { transposeA: false, transposeB: false };
const f32 = (...shape: number[]) => ({ dtype: 'f32', shape }) as const;

test('a product by hand, stored either way', () => {
  const a = tensor(device, [1, 2, 3, 4, 5, 6], [2, 3]);
  const b = tensor(device, [1, 0, 2, -1, 0, 3], [3, 2]);
  const expected = [5, 7, 14, 13];
  expect([...device.values(matmul(a, b))]).toEqual(expected);
  const aT = tensor(device, [1, 4, 2, 5, 3, 6], [3, 2]);
  const bT = tensor(device, [1, 2, 0, 0, -1, 3], [2, 3]);
  expect([...device.values(matmul(aT, b, { transposeA: true }))]).toEqual(expected);
  expect([...device.values(matmul(a, bT, { transposeB: true }))]).toEqual(expected);
  expect([...device.values(matmul(aT, bT, { transposeA: true, transposeB: true }))]).toEqual(expected);
});

test('batches, a shared b, and adding in place', () => {
  const a = tensor(device, [1, 2, 3, 4], [2, 1, 2]);
  const b = tensor(device, [1, 10, 100, 1000], [2, 2, 1]);
  expect([...device.values(matmul(a, b))]).toEqual([21, 4300]);
  const shared = tensor(device, [1, 10], [2, 1]);
  expect([...device.values(matmul(a, shared))]).toEqual([21, 43]);
  const columns = tensor(device, [1, 2, 3, 4], [2, 2, 1]);
  expect([...device.values(matmul(columns, shared, { transposeA: true }))]).toEqual([21, 43]);
  const into = tensor(device, [1, 1], [2, 1, 1]);
  matmul(a, b, { into });
  expect([...device.values(into)]).toEqual([22, 4301]);
});

test('rows of a that share b are one product', () => {
  expect(matmulSizes([4, 5, 3], [3, 7], plain)).toEqual({ batch: 1, sharedB: true, m: 20, n: 7, k: 3 });
  expect(matmulSizes([4, 3, 5], [3, 7], { ...plain, transposeA: true })).toEqual({
    batch: 4,
    sharedB: true,
    m: 5,
    n: 7,
    k: 3,
  });
});

test('NaN and infinity are not lost beside zeros', () => {
  const a = tensor(device, [0, 0], [1, 2]);
  const b = tensor(device, [Number.NaN, Number.POSITIVE_INFINITY], [2, 1]);
  expect([...device.values(matmul(a, b))]).toEqual([Number.NaN]);
});

test.each([
  [false, false],
  [false, true],
  [true, false],
  [true, true],
])('gradients with transposeA %s and transposeB %s', (transposeA, transposeB) => {
  const flags = { transposeA, transposeB };
  const a = transposeA ? [4, 3] : [3, 4];
  const b = transposeB ? [5, 4] : [4, 5];
  const product = (t: Readonly<Record<'a' | 'b', Tensor>>) => matmul(t.a, t.b, flags);
  checkGradients(product, { a: { shape: a }, b: { shape: b } });
  checkGradients(product, { a: { shape: [2, ...a] }, b: { shape: [2, ...b] } });
  checkGradients(product, { a: { shape: [2, ...a] }, b: { shape: b } });
  checkGradients(product, { a: { shape: [1, 2, ...a] }, b: { shape: b } });
});

test('gradients of a product with itself, and through what is added to', () => {
  checkGradients(({ a }) => matmul(reshape(a, [3, 3]), reshape(a, [3, 3])), { a: { shape: [9] } });
  checkGradients(({ a, b, c }) => matmul(a, b, { into: matmul(c, b) }), {
    a: { shape: [2, 3] },
    b: { shape: [3, 3] },
    c: { shape: [2, 3] },
  });
});

test('what does not fit is refused', () => {
  const infer = (a: readonly number[], b: readonly number[], into?: readonly number[]) =>
    matmulOp.infer({ a: f32(...a), b: f32(...b), ...(into && { into: f32(...into) }) }, plain);
  expect(infer([2, 3], [3, 4]).y.shape).toEqual([2, 4]);
  expect(() => infer([2, 3], [4, 3])).toThrow(ShapeError);
  expect(() => infer([2, 3], [4, 3])).toThrow('inner sizes must be equal, got 3 of a [2, 3] and 4 of b');
  expect(() => infer([3], [3, 4])).toThrow('[matmul] a needs at least 2 dimensions, got [3]');
  expect(() => infer([5, 2, 3], [6, 3, 4])).toThrow('leading dimensions must be equal or absent in b');
  expect(() => infer([2, 3], [1, 3, 4])).toThrow(ShapeError);
  expect(() => infer([2, 3], [3, 4], [4, 2])).toThrow('[matmul] into must have shape [2, 4], got [4, 2]');
  expect(() => matmulOp.infer({ a: f32(1, 1), b: { dtype: 'i8', shape: [1, 1] } }, plain)).toThrow(
    DTypeError,
  );
});

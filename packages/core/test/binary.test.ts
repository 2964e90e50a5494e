import { add, binaryOp, DTypeError, divide, multiply, ShapeError, subtract, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();
const kinds = { add, subtract, multiply, divide };

test('the four operations on equal shapes', () => {
  const a = tensor(device, [1, -2, 3, 0.5], [2, 2]);
  const b = tensor(device, [4, 8, -2, 0.25], [2, 2]);
  expect([...device.values(add(a, b))]).toEqual([5, 6, 1, 0.75]);
  expect([...device.values(subtract(a, b))]).toEqual([-3, -10, 5, 0.25]);
  expect([...device.values(multiply(a, b))]).toEqual([4, -16, -6, 0.125]);
  expect([...device.values(divide(a, b))]).toEqual([0.25, -0.25, -1.5, 2]);
});

test('a suffix repeats over leading dimensions, a single number over everything', () => {
  const a = tensor(device, [0, 1, 2, 3, 4, 5, 6, 7], [2, 2, 2]);
  expect([...device.values(add(a, tensor(device, [10, 20])))]).toEqual([10, 21, 12, 23, 14, 25, 16, 27]);
  const matrix = tensor(device, [1, 2, 3, 4], [2, 2]);
  expect([...device.values(multiply(a, matrix))]).toEqual([0, 2, 6, 12, 4, 10, 18, 28]);
  for (const shape of [[], [1], [1, 1]]) {
    const y = subtract(a, tensor(device, [1], shape));
    expect(y.shape).toEqual([2, 2, 2]);
    expect([...device.values(y)]).toEqual([-1, 0, 1, 2, 3, 4, 5, 6]);
  }
  expect(add(tensor(device, [1], []), tensor(device, [2], [1])).shape).toEqual([]);
});

test('infinities and NaN go through as in IEEE arithmetic', () => {
  const a = tensor(device, [1, 0, -1, Number.NaN, Number.POSITIVE_INFINITY]);
  const b = tensor(device, [0, 0, 0, 1, Number.POSITIVE_INFINITY]);
  expect([...device.values(divide(a, b))]).toEqual([
    Number.POSITIVE_INFINITY,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
    Number.NaN,
  ]);
  expect([...device.values(subtract(a, b))]).toEqual([1, 0, -1, Number.NaN, Number.NaN]);
});

test.each(Object.entries(kinds))('the gradient of %s, with and without repetition', (_name, apply) => {
  const away = [1.5, -2, 0.7, 1.1, -0.9, 2.2];
  checkGradients(({ a, b }) => apply(a, b), { a: { shape: [2, 3] }, b: { shape: [2, 3], values: away } });
  checkGradients(({ a, b }) => apply(a, b), { a: { shape: [2, 2, 3] }, b: { shape: [2, 3], values: away } });
  checkGradients(({ a, b }) => apply(a, b), {
    a: { shape: [4, 3] },
    b: { shape: [3], values: away.slice(0, 3) },
  });
  checkGradients(({ a, b }) => apply(a, b), { a: { shape: [2, 3] }, b: { shape: [1], values: [0.8] } });
  checkGradients(({ a }) => apply(a, a), { a: { shape: [6], values: away } });
});

test('a constant operand gets no gradient and needs none', () => {
  const constant = [1.5, -2, 0.7];
  for (const apply of Object.values(kinds)) {
    checkGradients(({ a }) => apply(a, tensor(a.device, constant)), { a: { shape: [2, 3] } });
    checkGradients(({ b }) => apply(tensor(b.device, constant), b), {
      b: { shape: [3], values: [2, -1, 0.5] },
    });
  }
});

test('shapes and dtypes that do not fit name the operation', () => {
  const a = { dtype: 'f32', shape: [2, 3] } as const;
  const infer = (b: { readonly dtype: 'f32' | 'bf16' | 'i32'; readonly shape: readonly number[] }) =>
    binaryOp.infer({ a, b }, { kind: 'divide' });
  expect(() => infer({ dtype: 'f32', shape: [2] })).toThrow(ShapeError);
  expect(() => infer({ dtype: 'f32', shape: [2] })).toThrow(/^\[divide\] b must .*\[2, 3\], got \[2\]; /);
  expect(() => infer({ dtype: 'f32', shape: [1, 2, 3] })).toThrow(ShapeError);
  expect(() => infer({ dtype: 'f32', shape: [2, 1] })).toThrow(ShapeError);
  expect(() => infer({ dtype: 'bf16', shape: [3] })).toThrow(DTypeError);
  expect(() => infer({ dtype: 'i32', shape: [3] })).toThrow('[divide] b must be f32 or bf16, got i32');
});

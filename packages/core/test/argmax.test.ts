import { argmax, argmaxOp, DTypeError, ShapeError, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();
const of = (...row: number[]) => device.values(argmax(tensor(device, row)))[0];

test('the first of equals, in rows of any number', () => {
  const y = argmax(tensor(device, [1, 3, 3, -5, -5, -6, 0, 0, 0, 7, 8, 9], [2, 2, 3]));
  expect(y.dtype).toBe('i32');
  expect(y.shape).toEqual([2, 2]);
  expect([...device.values(y)]).toEqual([1, 0, 0, 2]);
  expect(of(-2)).toBe(0);
});

test('infinities count, the first NaN wins', () => {
  const infinity = Number.POSITIVE_INFINITY;
  expect(of(1, infinity, infinity)).toBe(1);
  expect(of(-infinity, -infinity)).toBe(0);
  expect(of(infinity, Number.NaN, Number.NaN)).toBe(1);
  expect(of(Number.NaN, infinity)).toBe(0);
});

test('a row and a float are needed', () => {
  expect(() => argmaxOp.infer({ x: { dtype: 'f32', shape: [] } }, null)).toThrow(ShapeError);
  expect(() => argmaxOp.infer({ x: { dtype: 'i32', shape: [2] } }, null)).toThrow(DTypeError);
});

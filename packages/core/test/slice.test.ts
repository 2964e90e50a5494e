import { DTypeError, ShapeError, slice, sliceOp, tensor, ValueError } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();
const x = tensor(
  device,
  Array.from({ length: 24 }, (_, i) => i),
  [2, 3, 4],
);

test('a range of each axis', () => {
  expect([...device.values(slice(x, 0, 1, 1))]).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
  const middle = slice(x, 1, 1, 2);
  expect(middle.shape).toEqual([2, 2, 4]);
  expect([...device.values(middle)]).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19, 20, 21, 22, 23]);
  expect([...device.values(slice(x, 2, 3, 1))]).toEqual([3, 7, 11, 15, 19, 23]);
  expect([...device.values(slice(x, -1, 3, 1))]).toEqual([3, 7, 11, 15, 19, 23]);
  expect([...device.values(slice(x, 2, 0, 4))]).toEqual([...device.values(x)]);
});

test('integers and bytes move as well', () => {
  for (const dtype of ['i32', 'i8', 'bf16'] as const) {
    const y = slice(tensor(device, [1, 2, 3, 4], [2, 2], dtype), 1, 1, 1);
    expect(y.dtype).toBe(dtype);
    expect([...device.values(y)]).toEqual([2, 4]);
  }
});

test('the gradient is zero outside of the range', () => {
  checkGradients((tensors) => slice(tensors.x, 1, 1, 2), { x: { shape: [2, 4, 2] } });
  checkGradients((tensors) => slice(tensors.x, 0, 0, 1), { x: { shape: [3] } });
});

test('ranges and axes outside of the shape are refused', () => {
  expect(() => slice(x, 1, 2, 2)).toThrow(ShapeError);
  expect(() => slice(x, 1, 2, 2)).toThrow('[slice] 2..4 must be inside axis 1 of [2, 3, 4]');
  expect(() => slice(x, 3, 0, 1)).toThrow('[slice] axis must name a dimension of [2, 3, 4], got 3');
  expect(() => slice(x, -4, 0, 1)).toThrow(ShapeError);
  expect(() => slice(x, 0, -1, 1)).toThrow(ValueError);
  expect(() => slice(x, 0, 0, 0)).toThrow('[slice] length must be a whole number of at least 1, got 0');
  expect(() => slice(x, 0, 0.5, 1)).toThrow(ValueError);
  const packed = { dtype: 'ternary', shape: [8] } as const;
  expect(() => sliceOp.infer({ x: packed }, { axis: 0, start: 0, length: 4 })).toThrow(DTypeError);
});

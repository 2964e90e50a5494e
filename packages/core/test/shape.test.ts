import { asRows, isSuffix, requireShape, ShapeError, sameShape, showShape, sizeOf } from '@qsparse/core';
import { expect, test } from 'vitest';
import { aroundAxis, axisFromFront } from '../src/shape.ts';

test('sizes and rows', () => {
  expect(sizeOf([])).toBe(1);
  expect(sizeOf([2, 3])).toBe(6);
  expect(asRows([])).toEqual({ rows: 1, width: 1 });
  expect(asRows([5])).toEqual({ rows: 1, width: 5 });
  expect(asRows([2, 3, 4])).toEqual({ rows: 6, width: 4 });
});

test('comparisons', () => {
  expect(sameShape([1, 2], [1, 2])).toBe(true);
  expect(sameShape([1, 2], [1])).toBe(false);
  expect(isSuffix([], [2])).toBe(true);
  expect(isSuffix([2], [3, 2])).toBe(true);
  expect(isSuffix([3], [3, 2])).toBe(false);
  expect(isSuffix([3, 2], [2])).toBe(false);
});

test('axes', () => {
  expect(aroundAxis([2, 3, 4], 1)).toEqual({ before: 2, after: 4 });
  expect(aroundAxis([2, 3, 4], 0)).toEqual({ before: 1, after: 12 });
  expect(axisFromFront([2, 3], -1)).toBe(1);
  expect(axisFromFront([2, 3], 0)).toBe(0);
});

test('a shape of anything but whole numbers of at least 1 is refused', () => {
  expect(() => requireShape('here', [2, 0])).toThrow(ShapeError);
  expect(() => requireShape('here', [2, 0.5])).toThrow(
    '[here] dimensions must be whole numbers of at least 1, got [2, 0.5]',
  );
  expect(() => requireShape('here', [])).not.toThrow();
  expect(showShape([])).toBe('[]');
});

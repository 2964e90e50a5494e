import { DTypeError, globalNorm, tensor, zeros } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();
const norm = (elements: number[], shape = [elements.length]) =>
  device.values(globalNorm(tensor(device, elements, shape)))[0];

test('is the square root of the sum of squares, whatever the shape', () => {
  expect(globalNorm(zeros(device, [2, 2])).shape).toEqual([]);
  expect(norm([3, -4], [2, 1])).toBe(5);
  expect(norm([0, 0])).toBe(0);
  expect(norm([-7], [])).toBe(7);
  expect(norm([3e30, 4e30])).toBeCloseTo(5e30, -20);
});

test('NaN and infinity come through', () => {
  expect(norm([1, Number.NaN])).toBeNaN();
  expect(norm([1, Number.NEGATIVE_INFINITY])).toBe(Number.POSITIVE_INFINITY);
});

test('takes floats only', () => {
  expect(() => globalNorm(zeros(device, [2], 'i32'))).toThrow(DTypeError);
  expect(() => globalNorm(zeros(device, [2], 'i32'))).toThrow('[global-norm] x must be f32 or bf16, got i32');
});

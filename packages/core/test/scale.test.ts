import { DTypeError, scale, scaleOp, tensor, ValueError } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();

test('every element times the factor', () => {
  const x = tensor(device, [1, -2, Number.NaN, Number.POSITIVE_INFINITY], [2, 2]);
  const y = scale(x, -0.5);
  expect(y.shape).toEqual([2, 2]);
  expect([...device.values(y)]).toEqual([-0.5, 1, Number.NaN, Number.NEGATIVE_INFINITY]);
  expect([...device.values(scale(tensor(device, [3]), 0))]).toEqual([0]);
});

test('gradient', () => {
  checkGradients(({ x }) => scale(x, -2.5), { x: { shape: [2, 3] } });
});

test('a factor that is no number and integer tensors are refused', () => {
  const x = tensor(device, [1]);
  expect(() => scale(x, Number.NaN)).toThrow(ValueError);
  expect(() => scale(x, Number.POSITIVE_INFINITY)).toThrow('[scale] factor must be finite, got Infinity');
  expect(() => scaleOp.infer({ x: { dtype: 'i32', shape: [1] } }, { factor: 2 })).toThrow(DTypeError);
});

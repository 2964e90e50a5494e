import { DTypeError, fillOp, fillWith, full, tensor, zeros } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();

test('fill overwrites, full and zeros make', () => {
  const x = tensor(device, [1, 2], [2, 1]);
  fillWith(x, -3.5);
  expect([...device.values(x)]).toEqual([-3.5, -3.5]);
  expect([...device.values(zeros(device, [2], 'i32'))]).toEqual([0, 0]);
  expect(full(device, [], 2).shape).toEqual([]);
  expect(() => fillOp.infer({ into: { dtype: 'i8', shape: [1] } }, { value: 0 })).toThrow(DTypeError);
});

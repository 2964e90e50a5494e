import { copy, copyInto, copyOp, fillWith, ShapeError, tensor, zeros } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();
const f32 = (...shape: number[]) => ({ dtype: 'f32', shape }) as const;
const i32 = (...shape: number[]) => ({ dtype: 'i32', shape }) as const;

test('copy makes new memory, copyInto takes any shape of the same size', () => {
  const x = tensor(device, [1, 2, 3, 4], [2, 2]);
  const y = copy(x);
  fillWith(x, 0);
  expect([...device.values(y)]).toEqual([1, 2, 3, 4]);
  const flat = zeros(device, [4]);
  copyInto(flat, y);
  expect([...device.values(flat)]).toEqual([1, 2, 3, 4]);
  expect(() => copyOp.infer({ into: f32(3), x: f32(2) }, null)).toThrow(ShapeError);
  expect(() => copyOp.infer({ into: f32(2), x: i32(2) }, null)).toThrow('got i32 into f32; use cast()');
});

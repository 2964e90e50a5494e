import { accumulate, accumulateOp, DTypeError, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();
const f32 = (...shape: number[]) => ({ dtype: 'f32', shape }) as const;
const i32 = (...shape: number[]) => ({ dtype: 'i32', shape }) as const;

test('accumulate adds', () => {
  const x = tensor(device, [1, 2], [1, 2]);
  accumulate(x, tensor(device, [10, Number.NaN]));
  expect([...device.values(x)]).toEqual([11, Number.NaN]);
  expect(() => accumulateOp.infer({ into: f32(3), x: f32(2) }, null)).toThrow('got [2] into [3]');
  expect(() => accumulateOp.infer({ into: i32(2), x: i32(2) }, null)).toThrow(DTypeError);
});

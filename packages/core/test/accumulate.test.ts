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

test('bf16 is added into f32, and never the other way', () => {
  const into = tensor(device, [256, 2 ** -20]);
  accumulate(into, tensor(device, [1, 1], [2], 'bf16'));
  expect([...device.values(into)]).toEqual([257, 1 + 2 ** -20]);
  const bf16 = { dtype: 'bf16', shape: [2] } as const;
  expect(() => accumulateOp.infer({ into: bf16, x: bf16 }, null)).not.toThrow();
  expect(() => accumulateOp.infer({ into: bf16, x: f32(2) }, null)).toThrow(
    '[accumulate] into must be f32, got bf16; use cast()',
  );
  expect(() => accumulateOp.infer({ into: i32(2), x: bf16 }, null)).toThrow(
    'into must be f32 or bf16, got i32',
  );
});

import { copySection, copySectionOp, DTypeError, ShapeError, tensor, ValueError, zeros } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();

test('writes the range and nothing else', () => {
  const into = zeros(device, [2, 3, 2]);
  copySection(into, tensor(device, [1, 2, 3, 4], [2, 1, 2]), 1, 2);
  expect([...device.values(into)]).toEqual([0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 3, 4]);
  copySection(into, tensor(device, [9, 8, 7, 6, 5, 4], [2, 3, 1]), -1, 0);
  expect([...device.values(into)]).toEqual([9, 0, 8, 0, 7, 2, 6, 0, 5, 0, 4, 4]);
});

test('what does not fit is refused', () => {
  const f32 = (...shape: number[]) => ({ dtype: 'f32', shape }) as const;
  const at = { axis: 1, start: 1 };
  expect(() => copySectionOp.infer({ into: f32(2, 3), x: f32(2, 3) }, at)).toThrow(
    '[copy-section] 1..4 must be inside axis 1 of [2, 3]',
  );
  expect(() => copySectionOp.infer({ into: f32(2, 3), x: f32(1, 1) }, at)).toThrow(ShapeError);
  expect(() => copySectionOp.infer({ into: f32(2, 3), x: f32(2) }, at)).toThrow(ShapeError);
  expect(() => copySectionOp.infer({ into: f32(2), x: f32(2) }, at)).toThrow(
    '[copy-section] axis must name a dimension of [2], got 1',
  );
  expect(() => copySectionOp.infer({ into: f32(2, 3), x: f32(2, 1) }, { axis: 1, start: -1 })).toThrow(
    ValueError,
  );
  expect(() => copySectionOp.infer({ into: f32(2, 3), x: { dtype: 'i32', shape: [2, 1] } }, at)).toThrow(
    DTypeError,
  );
});

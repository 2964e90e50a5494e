import { ShapeError, softmaxBackward, softmaxBackwardOp, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();

test('dx = y (dy - Σ y dy), row by row; zeros of y stay zero', () => {
  const y = tensor(device, [0.25, 0.75, 0, 1, 0, 0], [2, 3]);
  const dy = tensor(device, [4, 8, 100, 3, 50, 60], [2, 3]);
  expect([...device.values(softmaxBackward(y, dy))]).toEqual([-0.75, 0.75, 0, 0, 0, 0]);
});

test('shapes must be equal and have a dimension', () => {
  const row = { dtype: 'f32', shape: [3] } as const;
  expect(() => softmaxBackwardOp.infer({ y: row, dy: { ...row, shape: [1, 3] } }, null)).toThrow(
    '[softmax-backward] dy must have shape [3], got [1, 3]',
  );
  const scalar = { ...row, shape: [] };
  expect(() => softmaxBackwardOp.infer({ y: scalar, dy: scalar }, null)).toThrow(ShapeError);
});

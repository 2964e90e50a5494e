import {
  broadcast,
  broadcastOp,
  DTypeError,
  max,
  mean,
  reduceOp,
  reshape,
  ShapeError,
  sum,
  TapeError,
  tensor,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { sumTo } from '../src/ops/reduce.ts';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();
const x = tensor(device, [1, 5, -3, 2, 0, 7, 4, 4, -1, 6, 8, -2], [2, 2, 3]);

test('over the last dimension, the leading ones, or everything', () => {
  expect(sum(x, 'last').shape).toEqual([2, 2]);
  expect([...device.values(sum(x, 'last'))]).toEqual([3, 9, 7, 12]);
  expect(sum(x, 'leading').shape).toEqual([3]);
  expect([...device.values(sum(x, 'leading'))]).toEqual([13, 17, 1]);
  expect(sum(x).shape).toEqual([]);
  expect([...device.values(sum(x))]).toEqual([31]);
  expect([...device.values(mean(x, 'last'))]).toEqual([1, 3, 7 / 3, 4]);
  expect([...device.values(mean(x, 'leading'))]).toEqual([13 / 4, 17 / 4, 1 / 4]);
  expect([...device.values(mean(x))]).toEqual([31 / 12]);
  expect([...device.values(max(x, 'last'))]).toEqual([5, 7, 4, 8]);
  expect([...device.values(max(x, 'leading'))]).toEqual([6, 8, 7]);
  expect([...device.values(max(x))]).toEqual([8]);
});

test('rows of one, one row, and a scalar', () => {
  const column = tensor(device, [3, -4], [2, 1]);
  expect([...device.values(sum(column, 'last'))]).toEqual([3, -4]);
  expect([...device.values(mean(column, 'leading'))]).toEqual([-0.5]);
  const flat = tensor(device, [3, -4]);
  expect([...device.values(sum(flat, 'leading'))]).toEqual([3, -4]);
  expect(sum(flat, 'last').shape).toEqual([]);
  expect([...device.values(max(reshape(tensor(device, [-4]), [])))]).toEqual([-4]);
});

test('NaN wins a maximum, a row of minus infinity keeps it', () => {
  const rows = [
    [1, Number.NaN, 9],
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ];
  expect([...device.values(max(tensor(device, rows.flat(), [2, 3]), 'last'))]).toEqual([
    Number.NaN,
    Number.NEGATIVE_INFINITY,
  ]);
});

test('gradients of sums and means', () => {
  for (const over of ['last', 'leading', 'all'] as const) {
    for (const reduce of [sum, mean]) {
      checkGradients((tensors) => reduce(tensors.x, over), { x: { shape: [2, 3, 4] } });
      checkGradients((tensors) => reduce(tensors.x, over), { x: { shape: [3, 1] } });
    }
  }
});

test('the maximum says that it has no gradient', () => {
  const check = () => checkGradients((tensors) => max(tensors.x, 'last'), { x: { shape: [2, 3] } });
  expect(check).toThrow(TapeError);
  expect(check).toThrow('[max] the maximum has no gradient rule; compute it inside noGrad()');
});

test('broadcast repeats over leading dimensions or along a new last one', () => {
  const row = tensor(device, [1, 2]);
  expect([...device.values(broadcast(row, [2, 1, 2]))]).toEqual([1, 2, 1, 2]);
  expect([...device.values(broadcast(row, [2, 3], 'last'))]).toEqual([1, 1, 1, 2, 2, 2]);
  const scalar = tensor(device, [7], []);
  expect([...device.values(broadcast(scalar, [2, 2]))]).toEqual([7, 7, 7, 7]);
  expect([...device.values(broadcast(scalar, [3], 'last'))]).toEqual([7, 7, 7]);
});

test('gradients of broadcasts', () => {
  checkGradients((tensors) => broadcast(tensors.x, [4, 2, 3]), { x: { shape: [2, 3] } });
  checkGradients((tensors) => broadcast(tensors.x, [2, 3, 4], 'last'), { x: { shape: [2, 3] } });
  checkGradients((tensors) => broadcast(tensors.x, [2, 3]), { x: { shape: [] } });
  checkGradients((tensors) => broadcast(tensors.x, [2, 3]), { x: { shape: [2, 3] } });
});

test('sumTo sums leading dimensions down to a suffix', () => {
  expect([...device.values(sumTo(x, [2, 3]))]).toEqual([5, 9, -4, 8, 8, 5]);
  expect(sumTo(x, [2, 3]).shape).toEqual([2, 3]);
  expect(sumTo(x, [1]).shape).toEqual([1]);
  expect(sumTo(x, x.shape)).toBe(x);
  expect(sumTo(tensor(device, [2], [1]), []).shape).toEqual([]);
});

test('what does not fit is refused by name', () => {
  expect(() => reduceOp.infer({ x: { dtype: 'f32', shape: [] } }, { kind: 'mean', over: 'last' })).toThrow(
    '[mean] x needs at least 1 dimensions, got []',
  );
  expect(() => reduceOp.infer({ x: { dtype: 'i32', shape: [2] } }, { kind: 'sum', over: 'all' })).toThrow(
    DTypeError,
  );
  const float = { dtype: 'f32', shape: [2, 3] } as const;
  expect(() => broadcastOp.infer({ x: float }, { shape: [3, 2], along: 'leading' })).toThrow(ShapeError);
  expect(() => broadcastOp.infer({ x: float }, { shape: [2, 4], along: 'last' })).toThrow(
    '[broadcast] x must have all dimensions but the last of [2, 4], got [2, 3]; reshape x first',
  );
  expect(() => broadcastOp.infer({ x: float }, { shape: [], along: 'last' })).toThrow(ShapeError);
});

import {
  backward,
  cast,
  castOp,
  type DType,
  DTypeError,
  multiply,
  type Param,
  paramArena,
  scope,
  sum,
  tensor,
  write,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();
const cases = (from: DType, to: DType, pairs: readonly (readonly [number, number])[]) => {
  const x = tensor(
    device,
    pairs.map(([before]) => before),
    [pairs.length],
    from,
  );
  expect([...device.values(cast(x, to))]).toEqual(pairs.map(([, after]) => after));
};

test('to bf16: nearest, ties to even', () => {
  cases('f32', 'bf16', [
    [1, 1],
    [1 + 2 ** -8, 1],
    [1 + 3 * 2 ** -8, 1 + 2 ** -6],
    [1 + 2 ** -8 + 2 ** -20, 1 + 2 ** -7],
    [-1 - 3 * 2 ** -8, -1 - 2 ** -6],
    [3.4e38, Number.POSITIVE_INFINITY],
    [3.38e38, 254 * 2 ** 120],
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    [Number.NaN, Number.NaN],
    [2 ** -133, 2 ** -133],
    [2 ** -135, 0],
  ]);
});

test('to integers: toward zero, held inside the range, NaN to 0', () => {
  cases('f32', 'i32', [
    [2.9, 2],
    [-2.9, -2],
    [-0.5, 0],
    [3e9, 2 ** 31 - 1],
    [-3e9, -(2 ** 31)],
    [Number.POSITIVE_INFINITY, 2 ** 31 - 1],
    [Number.NaN, 0],
  ]);
  cases('f32', 'i8', [
    [127.9, 127],
    [128, 127],
    [-128.5, -128],
    [-1e30, -128],
    [Number.NaN, 0],
  ]);
  cases('i32', 'i8', [
    [-129, -128],
    [300, 127],
    [5, 5],
  ]);
});

test('from integers and bf16: the same numbers', () => {
  cases('i8', 'f32', [
    [-128, -128],
    [127, 127],
  ]);
  cases('i32', 'f32', [
    [-(2 ** 24), -(2 ** 24)],
    [7, 7],
  ]);
  cases('i8', 'i32', [[-128, -128]]);
  cases('bf16', 'f32', [[1.5, 1.5]]);
  cases('bf16', 'i8', [[-1.5, -1]]);
  cases('i32', 'bf16', [
    [257, 256],
    [259, 260],
  ]);
});

test('a tensor of the dtype already is returned as it is', () => {
  const x = tensor(device, [1]);
  expect(cast(x, 'f32')).toBe(x);
});

test('the gradient of a round trip through bf16 passes straight', () => {
  checkGradients(
    ({ x }) => cast(cast(x, 'bf16'), 'f32'),
    { x: { shape: [2, 3] } },
    { surrogate: ({ x }) => x, tolerance: 2 ** -8 },
  );
});

test('bf16 gradients of one tensor that meet are added in bf16', () => {
  const arena = paramArena(device, [{ name: 'w', shape: [2] }]);
  const w = arena.params.get('w') as Param;
  write(w, [1.5, -3]);
  scope(() => {
    const low = cast(w, 'bf16');
    backward(sum(cast(multiply(low, low), 'f32')), [w]);
  });
  expect([...device.values(w.grad)]).toEqual([3, -6]);
});

test('an integer on the way cuts the gradient', () => {
  const arena = paramArena(device, [{ name: 'w', shape: [2] }]);
  const w = arena.params.get('w') as Param;
  scope(() => expect(cast(cast(w, 'i32'), 'f32').value).toBeUndefined());
});

test('packed and equal dtypes are refused', () => {
  expect(() => castOp.infer({ x: { dtype: 'ternary', shape: [4] } }, { dtype: 'f32' })).toThrow(DTypeError);
  expect(() => castOp.infer({ x: { dtype: 'f32', shape: [4] } }, { dtype: 'ternary' })).toThrow(
    '[cast] takes f32, bf16, i32 and i8, got f32 to ternary',
  );
  expect(() => castOp.infer({ x: { dtype: 'f32', shape: [4] } }, { dtype: 'f32' })).toThrow('use copy()');
});

import {
  add,
  backward,
  cast,
  castOp,
  castStraightThrough,
  castStraightThroughOp,
  type DType,
  DTypeError,
  matmul,
  multiply,
  type Param,
  paramArena,
  scope,
  sum,
  tensor,
  write,
  zeros,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
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

test('straight through: the numbers of cast, the value of its source', () => {
  const { params, dispose } = paramArena(device, [{ name: 'w', shape: [3] }]);
  const w = params.get('w') as Param;
  write(w, [1 + 2 ** -8, -3.3, 3.4e38]);
  const low = castStraightThrough(w, 'bf16');
  expect(low.dtype).toBe('bf16');
  expect([...device.values(low)]).toEqual([...device.values(cast(w, 'bf16'))]);
  expect(low.value).toBe(w.value);
  expect(castStraightThrough(low, 'bf16')).toBe(low);
  expect(castStraightThrough(w, 'f32')).toBe(w);
  dispose();
});

test('straight through: a product adds its gradient into the f32 arena, and nothing else runs', () => {
  const counter = nullDevice();
  const { params, dispose } = paramArena(counter, [{ name: 'w', shape: [4, 4] }]);
  const w = params.get('w') as Param;
  scope(() => {
    const x = zeros(counter, [1, 4], 'bf16');
    const loss = sum(cast(matmul(x, castStraightThrough(w, 'bf16')), 'f32'));
    counter.resetCounts();
    backward(loss, [w]);
  });
  // The loss's 1, its sum repeated, and one cast of that; then the product.
  expect(counter.counts().launches).toEqual({ fill: 1, broadcast: 1, cast: 1, matmul: 1 });
  dispose();
});

test('straight through: the sum keeps what bf16 would lose, over uses and calls', () => {
  const { params, dispose } = paramArena(device, [{ name: 'w', shape: [1, 1] }]);
  const w = params.get('w') as Param;
  write(w, [2]);
  const x = (value: number) => tensor(device, [value], [1, 1], 'bf16');
  for (const factor of [256, 1]) {
    scope(() => {
      const low = castStraightThrough(w, 'bf16');
      const y = multiply(matmul(x(factor), low), x(1));
      backward(sum(cast(y, 'f32')), [w]);
      // A rule that cannot add in place: its bf16 gradient is added as it is.
      backward(sum(cast(multiply(x(factor), castStraightThrough(w, 'bf16')), 'f32')), [w]);
    });
  }
  expect([...device.values(w.grad)]).toEqual([514]);
  dispose();
});

test('straight through: what is no parameter gets its gradient back in f32', () => {
  const { params, dispose } = paramArena(device, [{ name: 'w', shape: [1] }]);
  const w = params.get('w') as Param;
  write(w, [3]);
  scope(() => {
    const square = multiply(w, w);
    const low = castStraightThrough(square, 'bf16');
    const one = (factor: number) => sum(cast(multiply(low, tensor(device, [factor], [1], 'bf16')), 'f32'));
    // 256 and 1 meet: in bf16 their sum would be 256.
    backward(add(one(256), one(1)), [w]);
  });
  expect([...device.values(w.grad)]).toEqual([257 * 6]);
  dispose();
});

test('straight through: a bf16 gradient is added as it is where the device adds bf16, else converted first', () => {
  for (const [compute, casts] of [
    [['f32', 'bf16'], 1],
    [['f32'], 2],
  ] as const) {
    const counter = nullDevice();
    const device = { ...counter, caps: { ...counter.caps, compute } };
    const { params, dispose } = paramArena(device, [{ name: 'w', shape: [4] }]);
    const w = params.get('w') as Param;
    scope(() => {
      const loss = sum(cast(castStraightThrough(w, 'bf16'), 'f32'));
      counter.resetCounts();
      backward(loss, [w]);
    });
    expect(counter.counts().launches).toEqual({ fill: 1, broadcast: 1, cast: casts, accumulate: 1 });
    dispose();
  }
});

test('straight through: only f32 to bf16', () => {
  const infer = (from: DType, dtype: 'f32' | 'bf16') =>
    castStraightThroughOp.infer({ x: { dtype: from, shape: [2] } }, { dtype });
  expect(infer('f32', 'bf16')).toEqual({ y: { dtype: 'bf16', shape: [2] } });
  for (const from of ['bf16', 'i32', 'i8', 'ternary'] as const) {
    expect(() => infer(from, 'bf16')).toThrow(DTypeError);
  }
  expect(() => infer('bf16', 'f32')).toThrow('[cast] straight through it takes f32 to bf16, got bf16 to f32');
  expect(() => infer('f32', 'f32')).toThrow(DTypeError);
});

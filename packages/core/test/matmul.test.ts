import {
  add,
  backward,
  cast,
  castStraightThrough,
  DTypeError,
  matmul,
  matmulOp,
  matmulSizes,
  type Param,
  paramArena,
  reshape,
  rmsNorm,
  ShapeError,
  scope,
  sum,
  type Tensor,
  type Type,
  tensor,
  ValueError,
  zeros,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();
const plain = { transposeA: false, transposeB: false };
const f32 = (...shape: number[]) => ({ dtype: 'f32', shape }) as const;
const bf16 = (...shape: number[]) => ({ dtype: 'bf16', shape }) as const;

test('a product by hand, stored either way', () => {
  const a = tensor(device, [1, 2, 3, 4, 5, 6], [2, 3]);
  const b = tensor(device, [1, 0, 2, -1, 0, 3], [3, 2]);
  const expected = [5, 7, 14, 13];
  expect([...device.values(matmul(a, b))]).toEqual(expected);
  const aT = tensor(device, [1, 4, 2, 5, 3, 6], [3, 2]);
  const bT = tensor(device, [1, 2, 0, 0, -1, 3], [2, 3]);
  expect([...device.values(matmul(aT, b, { transposeA: true }))]).toEqual(expected);
  expect([...device.values(matmul(a, bT, { transposeB: true }))]).toEqual(expected);
  expect([...device.values(matmul(aT, bT, { transposeA: true, transposeB: true }))]).toEqual(expected);
});

test('batches, a shared b, and adding in place', () => {
  const a = tensor(device, [1, 2, 3, 4], [2, 1, 2]);
  const b = tensor(device, [1, 10, 100, 1000], [2, 2, 1]);
  expect([...device.values(matmul(a, b))]).toEqual([21, 4300]);
  const shared = tensor(device, [1, 10], [2, 1]);
  expect([...device.values(matmul(a, shared))]).toEqual([21, 43]);
  const columns = tensor(device, [1, 2, 3, 4], [2, 2, 1]);
  expect([...device.values(matmul(columns, shared, { transposeA: true }))]).toEqual([21, 43]);
  const into = tensor(device, [1, 1], [2, 1, 1]);
  matmul(a, b, { into });
  expect([...device.values(into)]).toEqual([22, 4301]);
});

test('rows of a that share b are one product', () => {
  expect(matmulSizes([4, 5, 3], [3, 7], plain)).toEqual({ batch: 1, sharedB: true, m: 20, n: 7, k: 3 });
  expect(matmulSizes([4, 3, 5], [3, 7], { ...plain, transposeA: true })).toEqual({
    batch: 4,
    sharedB: true,
    m: 5,
    n: 7,
    k: 3,
  });
});

test('NaN and infinity are not lost beside zeros', () => {
  const a = tensor(device, [0, 0], [1, 2]);
  const b = tensor(device, [Number.NaN, Number.POSITIVE_INFINITY], [2, 1]);
  expect([...device.values(matmul(a, b))]).toEqual([Number.NaN]);
});

test.each([
  [false, false],
  [false, true],
  [true, false],
  [true, true],
])('gradients with transposeA %s and transposeB %s', (transposeA, transposeB) => {
  const flags = { transposeA, transposeB };
  const a = transposeA ? [4, 3] : [3, 4];
  const b = transposeB ? [5, 4] : [4, 5];
  const product = (t: Readonly<Record<'a' | 'b', Tensor>>) => matmul(t.a, t.b, flags);
  checkGradients(product, { a: { shape: a }, b: { shape: b } });
  checkGradients(product, { a: { shape: [2, ...a] }, b: { shape: [2, ...b] } });
  checkGradients(product, { a: { shape: [2, ...a] }, b: { shape: b } });
  checkGradients(product, { a: { shape: [1, 2, ...a] }, b: { shape: b } });
});

test('gradients of a product with itself, and through what is added to', () => {
  checkGradients(({ a }) => matmul(reshape(a, [3, 3]), reshape(a, [3, 3])), { a: { shape: [9] } });
  checkGradients(({ a, b, c }) => matmul(a, b, { into: matmul(c, b) }), {
    a: { shape: [2, 3] },
    b: { shape: [3, 3] },
    c: { shape: [2, 3] },
  });
});

test('what does not fit is refused', () => {
  const infer = (a: readonly number[], b: readonly number[], into?: readonly number[]) =>
    matmulOp.infer({ a: f32(...a), b: f32(...b), ...(into && { into: f32(...into) }) }, plain);
  expect(infer([2, 3], [3, 4]).y.shape).toEqual([2, 4]);
  expect(() => infer([2, 3], [4, 3])).toThrow(ShapeError);
  expect(() => infer([2, 3], [4, 3])).toThrow('inner sizes must be equal, got 3 of a [2, 3] and 4 of b');
  expect(() => infer([3], [3, 4])).toThrow('[matmul] a needs at least 2 dimensions, got [3]');
  expect(() => infer([5, 2, 3], [6, 3, 4])).toThrow('leading dimensions must be equal or absent in b');
  expect(() => infer([2, 3], [1, 3, 4])).toThrow(ShapeError);
  expect(() => infer([2, 3], [3, 4], [4, 2])).toThrow('[matmul] into must have shape [2, 4], got [4, 2]');
  expect(() => matmulOp.infer({ a: f32(1, 1), b: { dtype: 'i8', shape: [1, 1] } }, plain)).toThrow(
    DTypeError,
  );
});

test('add is added in new memory, and stays as it was', () => {
  const a = tensor(device, [1, 2, 3, 4], [2, 2]);
  const b = tensor(device, [1, 0, 10, 1], [2, 2]);
  const term = tensor(device, [100, 200, 300, Number.NaN], [2, 2]);
  const y = matmul(a, b, { add: term });
  expect([...device.values(y)]).toEqual([121, 202, 343, Number.NaN]);
  expect([...device.values(term)]).toEqual([100, 200, 300, Number.NaN]);
  expect([...device.values(matmul(a, b, { add: a }))]).toEqual([22, 4, 46, 8]);
});

test('gradients through add, the very factor too', () => {
  const square = { shape: [3, 3] };
  checkGradients(({ a, b, c }) => matmul(a, b, { add: c }), { a: square, b: square, c: square });
  checkGradients(({ a, b }) => matmul(a, b, { add: a, transposeA: true }), { a: square, b: square });
  checkGradients(({ a, b }) => matmul(a, b, { add: b }), { a: square, b: square });
  checkGradients(({ a, b, c }) => add(matmul(a, b, { add: c }), c), { a: square, b: square, c: square });
  checkGradients(
    ({ x, w }) => {
      const once = matmul(rmsNorm(x, undefined), w, { add: x });
      return matmul(rmsNorm(once, undefined), w, { add: once });
    },
    { x: { shape: [2, 3] }, w: square },
  );
});

test('the gradient of add costs nothing: a residual stream is one tensor, added to in place', () => {
  const counter = nullDevice();
  const { params, dispose } = paramArena(counter, [
    { name: 'x', shape: [4, 8] },
    { name: 'w', shape: [8, 8] },
  ]);
  const [x, w] = [params.get('x') as Param, params.get('w') as Param];
  const launchesOf = (layers: number) => {
    scope(() => {
      let stream = add(x, zeros(counter, [4, 8]));
      for (let i = 0; i < layers; i++) stream = matmul(rmsNorm(stream, undefined), w, { add: stream });
      const loss = sum(stream);
      counter.resetCounts();
      backward(loss, [x, w]);
    });
    return counter.counts().launches;
  };
  // The loss's 1, its sum repeated, and at the end one addition into the gradient of x.
  const rest = { fill: 1, broadcast: 1, accumulate: 1 };
  expect(launchesOf(1)).toEqual({ ...rest, matmul: 2, 'rms-norm-backward': 1 });
  expect(launchesOf(3)).toEqual({ ...rest, matmul: 6, 'rms-norm-backward': 3 });
  dispose();
});

test('a gradient that add shares is not changed while others hold it', () => {
  // add() hands one tensor to both sums; the norm's rule would like to add to the left one's in place.
  checkGradients(
    ({ x, z, w }) => {
      const left = matmul(rmsNorm(x, undefined), w, { add: x });
      const right = matmul(rmsNorm(z, undefined), w, { add: z });
      return add(left, right);
    },
    { x: { shape: [2, 3] }, z: { shape: [2, 3] }, w: { shape: [3, 3] } },
  );
});

test('weights that are read as bf16 add their gradients into f32, without a temporary', () => {
  for (const flags of [
    { transposeA: false, transposeB: false },
    { transposeA: false, transposeB: true },
    { transposeA: true, transposeB: false },
    { transposeA: true, transposeB: true },
  ]) {
    const counter = nullDevice();
    const { params, dispose } = paramArena(counter, [
      { name: 'a', shape: [4, 4] },
      { name: 'b', shape: [4, 4] },
    ]);
    const [a, b] = [params.get('a') as Param, params.get('b') as Param];
    scope(() => {
      const y = matmul(castStraightThrough(a, 'bf16'), castStraightThrough(b, 'bf16'), flags);
      const loss = sum(cast(y, 'f32'));
      counter.resetCounts();
      backward(loss, [a, b]);
    });
    expect(counter.counts().launches).toEqual({ fill: 1, broadcast: 1, cast: 1, matmul: 2 });
    dispose();
  }
});

test('dtypes: add is alike, into alike or f32, and only one of them', () => {
  const a = bf16(2, 3);
  const b = bf16(3, 4);
  expect(matmulOp.infer({ a, b, into: f32(2, 4) }, plain)).toEqual({ y: f32(2, 4) });
  expect(matmulOp.infer({ a, b, into: bf16(2, 4) }, plain)).toEqual({ y: bf16(2, 4) });
  expect(matmulOp.infer({ a, b, add: bf16(2, 4) }, plain)).toEqual({ y: bf16(2, 4) });
  const wrong = (ins: Partial<Record<'add' | 'into', Type>>, dtype: 'f32' | 'bf16' = 'bf16') => {
    return () => matmulOp.infer({ a: { ...a, dtype }, b: { ...b, dtype }, ...ins }, plain);
  };
  expect(wrong({ add: f32(2, 4) })).toThrow('[matmul] add must be bf16, got f32');
  expect(wrong({ add: bf16(4) })).toThrow('[matmul] add must have shape [2, 4], got [4]');
  expect(wrong({ into: bf16(2, 4) }, 'f32')).toThrow('[matmul] into must be f32, got bf16');
  expect(wrong({ into: { dtype: 'i32', shape: [2, 4] } })).toThrow(DTypeError);
  expect(wrong({ add: bf16(2, 4), into: bf16(2, 4) })).toThrow(ValueError);
  expect(wrong({ add: bf16(2, 4), into: bf16(2, 4) })).toThrow('[matmul] takes add or into, got both');
});

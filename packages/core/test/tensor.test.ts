import {
  alias,
  backward,
  DisposedError,
  DTypeError,
  empty,
  type Param,
  paramArena,
  reshape,
  rows,
  ShapeError,
  scope,
  sum,
  tensor,
  write,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();

test('written elements come back, shapes default to one dimension', async () => {
  const x = tensor(device, [1, 2, 3]);
  expect(x.shape).toEqual([3]);
  expect(x.size).toBe(3);
  expect(await x.data()).toEqual(Float32Array.of(1, 2, 3));
  expect(await tensor(device, Int32Array.of(7), []).item()).toBe(7);
});

test('a wrong number of elements is refused', () => {
  expect(() => tensor(device, [1, 2, 3], [2])).toThrow(ShapeError);
  expect(() => tensor(device, [1, 2, 3], [2])).toThrow('[write] f32 [2] takes 2 elements, got 3');
  expect(() => write(empty(device, 'ternary', [9]), new Uint8Array(9))).toThrow('takes 3 elements, got 9');
});

test('dimensions are whole numbers of at least 1', () => {
  for (const shape of [[0], [-1], [1.5], [Number.NaN], [2, 0]]) {
    expect(() => empty(device, 'f32', shape)).toThrow(ShapeError);
  }
});

test('integers must be whole and in range', () => {
  for (const element of [0.5, Number.NaN, 2 ** 31, -(2 ** 31) - 1]) {
    expect(() => tensor(device, [element], [1], 'i32')).toThrow(DTypeError);
  }
  expect(() => tensor(device, [128], [1], 'i8')).toThrow('whole numbers from -128 to 127, got 128');
});

test('bf16 takes numbers, rounded, or bit patterns as they are', async () => {
  expect(await tensor(device, [1.001953125], [1], 'bf16').data()).toEqual(Float32Array.of(1));
  expect(await tensor(device, Uint16Array.of(0x4049), [1], 'bf16').data()).toEqual(Float32Array.of(3.140625));
});

test('item wants one element', () => {
  expect(() => tensor(device, [1, 2]).item()).toThrow('[item] needs a tensor of one element, got [2]');
});

test('reshape shares memory and passes the gradient', () => {
  const w = paramArena(device, [{ name: 'w', shape: [2, 3] }]).params.get('w') as Param;
  write(w, [1, 2, 3, 4, 5, 6]);
  const view = reshape(w, [3, 2]);
  write(view, [9, 8, 7, 6, 5, 4]);
  expect([...device.values(w)]).toEqual([9, 8, 7, 6, 5, 4]);
  scope(() => backward(sum(reshape(reshape(w, [6]), [1, 6])), [w]));
  expect([...device.values(w.grad)]).toEqual([1, 1, 1, 1, 1, 1]);
  expect(() => reshape(w, [4])).toThrow('[reshape] [2, 3] has 6 elements, [4] has 4');
});

test('rows are a view of the first dimension', () => {
  const x = tensor(device, [1, 2, 3, 4, 5, 6], [3, 2]);
  const part = rows(x, 1, 2);
  expect(part.shape).toEqual([2, 2]);
  expect([...device.values(part)]).toEqual([3, 4, 5, 6]);
  write(part, [0, 0, 0, 0]);
  expect([...device.values(x)]).toEqual([1, 2, 0, 0, 0, 0]);
  for (const [start, count] of [
    [2, 2],
    [-1, 1],
    [0, 0],
    [Number.NaN, 1],
  ] as const) {
    expect(() => rows(x, start, count)).toThrow(ShapeError);
  }
});

test('each handle has its own claim; disposing twice is harmless', () => {
  const own = referenceDevice();
  const x = tensor(own, [1]);
  const second = alias(x);
  x.dispose();
  x.dispose();
  expect([...own.values(second)]).toEqual([1]);
  second[Symbol.dispose]();
  expect(own.memory().live).toBe(0);
  expect(() => alias(second)).toThrow(DisposedError);
});

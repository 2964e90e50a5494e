import {
  backward,
  cast,
  DTypeError,
  embedding,
  full,
  matmul,
  normal,
  type Param,
  paramArena,
  reshape,
  ShapeError,
  scope,
  tensor,
  zeros,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();
const ids = (elements: number[], shape = [elements.length], on = device) =>
  tensor(on, elements, shape, 'i32');

const ones = (shape: number[]) => cast(full(device, shape, 1), 'bf16');

test('rows of the table, in the order of the ids', () => {
  const table = tensor(device, [0, 1, 10, 11, 20, 21], [3, 2]);
  const y = embedding(table, ids([2, 0, 2, 1], [2, 2]));
  expect(y.shape).toEqual([2, 2, 2]);
  expect(Array.from(device.values(y))).toEqual([20, 21, 0, 1, 20, 21, 10, 11]);
  expect(embedding(table, ids([1], [])).shape).toEqual([2]);
});

test('an id outside the table is a row of NaN', () => {
  const table = tensor(device, [1, 2, 3, 4], [2, 2]);
  const y = device.values(embedding(table, ids([2, 1, -1, 2 ** 31 - 1, -(2 ** 31)])));
  const bad = [Number.NaN, Number.NaN];
  expect(Array.from(y)).toEqual([...bad, 3, 4, ...bad, ...bad, ...bad]);
});

test('gradients equal finite differences, repeated ids included', () => {
  checkGradients(({ table }, on) => embedding(table, ids([1, 3, 1, 1], [2, 2], on)), {
    table: { shape: [4, 3] },
  });
});

test('a tied head and embedding share one gradient', () => {
  const build = ({ table }: { readonly table: Parameters<typeof embedding>[0] }) =>
    matmul(embedding(table, ids([0, 2, 2], [3], table.device as typeof device)), table, { transposeB: true });
  checkGradients(build, { table: { shape: [3, 2], values: normal(6, 0, 6) } });
});

test('a parameter gets its rows added in place: nothing of the size of the table is made', () => {
  const counter = nullDevice();
  const { params } = paramArena(counter, [{ name: 'table', shape: [1000, 2] }]);
  const table = params.get('table') as Param;
  scope(() => {
    const y = embedding(table, zeros(counter, [4], 'i32'));
    const loss = matmul(reshape(y, [1, 8]), zeros(counter, [8, 1]));
    counter.resetCounts();
    const before = counter.memory().peak;
    backward(loss, [table]);
    expect(counter.memory().peak - before).toBeLessThan(8000);
  });
  expect(counter.counts().launches).toEqual({ fill: 1, matmul: 1, 'embedding-backward': 1 });
});

test('a bf16 table gets a bf16 gradient', () => {
  const { params } = paramArena(device, [{ name: 'x', shape: [2, 2] }]);
  const x = params.get('x') as Param;
  device.write(x, Float64Array.of(1, 2, 3, 4));
  scope(() => {
    const y = embedding(cast(x, 'bf16'), ids([1, 1]));
    expect(y.dtype).toBe('bf16');
    backward(cast(matmul(matmul(ones([1, 2]), y), ones([2, 1])), 'f32'), [x]);
  });
  expect(Array.from(device.values(x.grad))).toEqual([0, 0, 2, 2]);
});

test('what does not fit is named', () => {
  expect(() => embedding(zeros(device, [4]), ids([0]))).toThrow('[embedding] table must be [V, d], got [4]');
  expect(() => embedding(zeros(device, [2, 2, 2]), ids([0]))).toThrow(ShapeError);
  expect(() => embedding(zeros(device, [4, 2]), zeros(device, [1]))).toThrow(
    '[embedding] ids must be i32, got f32',
  );
  expect(() => embedding(zeros(device, [4, 2], 'i32'), ids([0]))).toThrow(DTypeError);
});

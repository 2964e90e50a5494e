import {
  DTypeError,
  empty,
  fillRandom,
  randomOp,
  randomState,
  ShapeError,
  tensor,
  uniform,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();
const UNIFORM = { distribution: 'uniform', scale: 1 } as const;
const draw = (count: number, seed: number, stream: number, counter: number) => {
  const into = empty(device, 'f32', [count]);
  fillRandom(into, tensor(device, randomState(seed, stream, counter), [4], 'i32'));
  return [...device.values(into)];
};

test('the numbers of philox.ts, for sizes that end inside a block', () => {
  for (const count of [1, 3, 4, 5, 13]) expect(draw(count, 42, 7, 0)).toEqual([...uniform(42, 7, count)]);
  const seed = 2 ** 52 + 12345;
  expect(draw(6, seed, 0xffffffff, 0)).toEqual([...uniform(seed, 0xffffffff, 6)]);
});

test('the counter goes on where an earlier draw stopped, and past 2^31', () => {
  const all = draw(20, 1, 2, 0);
  expect(draw(12, 1, 2, 2)).toEqual(all.slice(8));
  const late = draw(8, 1, 2, 0x7fffffff);
  expect(draw(4, 1, 2, 0x80000000)).toEqual(late.slice(4));
});

test('any shape is filled, integers are not', () => {
  const into = empty(device, 'f32', [2, 3]);
  fillRandom(into, tensor(device, randomState(3, 0), [4], 'i32'));
  expect([...device.values(into)]).toEqual([...uniform(3, 0, 6)]);
  const state = { dtype: 'i32', shape: [4] } as const;
  expect(() => randomOp.infer({ into: state, state }, UNIFORM)).toThrow(DTypeError);
  expect(() =>
    randomOp.infer({ into: { dtype: 'f32', shape: [2] }, state: { ...state, shape: [3] } }, UNIFORM),
  ).toThrow(ShapeError);
});

test('normal numbers have mean 0, the deviation that was asked for, normal quartiles and end at 4.9 deviations', () => {
  const count = 100_000;
  const into = empty(device, 'f32', [count]);
  const state = tensor(device, randomState(11, 3), [4], 'i32');
  fillRandom(into, state, { distribution: 'normal', scale: 0.5 });
  const values = [...device.values(into)].sort((a, b) => a - b);
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  expect(Math.abs(mean)).toBeLessThan(4 * (0.5 / Math.sqrt(count)));
  expect(Math.abs(Math.sqrt(variance) / 0.5 - 1)).toBeLessThan(0.01);
  expect(values[0.75 * count]! / 0.5).toBeCloseTo(0.6745, 1);
  expect(values[0.9772 * count]! / 0.5).toBeCloseTo(2, 1);
  expect(Math.max(-values[0]!, values.at(-1)!)).toBeLessThan(4.9 * 0.5);
  expect(() => randomOp.infer({ into, state }, { distribution: 'normal', scale: Number.NaN })).toThrow(
    'scale',
  );
});

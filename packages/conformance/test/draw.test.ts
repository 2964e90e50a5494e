import { scaleOp } from '@qsparse/core';
import { expect, test } from 'vitest';
import { Draw, forward } from '../src/draw.ts';

test('numbers depend on the name and the order of the calls, and on nothing else', () => {
  const [one, same, other] = [new Draw('a', 'f32'), new Draw('a', 'f32'), new Draw('b', 'f32')];
  const first = one.normal([50]);
  expect(same.normal([50])).toEqual(first);
  expect(one.normal([50])).not.toEqual(first);
  expect(other.normal([50])).not.toEqual(first);
});

test('elements are exact in their dtype', () => {
  for (const x of new Draw('a', 'f32').normal([99]).elements) expect(Math.fround(x)).toBe(x);
  for (const x of new Draw('a', 'bf16').uniform([99], -3, 3).elements) {
    expect(new Uint32Array(new Float32Array([x]).buffer)[0]! & 0xffff).toBe(0);
  }
  for (const x of new Draw('a', 'f32').whole([99], -4, 9).elements) {
    expect(Number.isInteger(x) && x >= -4 && x < 9).toBe(true);
  }
  for (const x of new Draw('a', 'f32').awayFromZero([99]).elements) expect(Math.abs(x)).toBeGreaterThan(0.09);
});

test('given numbers repeat to fill the shape', () => {
  expect([...new Draw('a', 'f32').floats([5], [1, -2]).elements]).toEqual([1, -2, 1, -2, 1]);
  expect([...new Draw('a', 'f32').wholes([3], [7], 'i8').elements]).toEqual([7, 7, 7]);
});

test('forward gives what the reference of an op gives', () => {
  const draw = new Draw('a', 'f32');
  const { y } = forward(scaleOp, { x: draw.floats([2], [1, 3]) }, { factor: -2 });
  expect(y).toEqual({ dtype: 'f32', shape: [2], elements: Float64Array.of(-2, -6) });
});

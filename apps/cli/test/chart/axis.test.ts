import { describe, expect, test } from 'vitest';
import { axisOver, tickLabel } from '../../src/chart/axis.ts';

describe('a linear axis', () => {
  test('has ticks of 1, 2 or 5 times a power of ten inside its ends', () => {
    const axis = axisOver([0.13, 7.9]);
    expect(axis.ticks).toEqual([2, 4, 6]);
    expect([axis.at(0.13), axis.at(7.9)]).toEqual([0, 1]);
    expect(axisOver([-0.31, 0.29]).ticks).toEqual([-0.2, 0, 0.2]);
    expect(axisOver([1e6, 1e6 + 3], { ticks: 3 }).ticks).toEqual([1e6, 1e6 + 1, 1e6 + 2, 1e6 + 3]);
  });
  test.each([[[]], [[Number.NaN]], [[0]], [[5, 5]], [[-3]]])('is of some length over %j', (values) => {
    const axis = axisOver(values);
    expect(axis.to).toBeGreaterThan(axis.from);
    expect(axis.ticks.length).toBeGreaterThan(1);
  });
});

describe('a logarithmic axis', () => {
  test('has powers of ten, and 2 and 5 between few of them', () => {
    expect(axisOver([0.8, 120], { scale: 'log' }).ticks).toEqual([1, 2, 5, 10, 20, 50, 100]);
    expect(axisOver([1e-8, 1e4], { scale: 'log' }).ticks).toHaveLength(13);
    expect(axisOver([1, 100], { scale: 'log' }).at(10)).toBeCloseTo(0.5, 12);
  });
  test('leaves out what has no logarithm, and has plain ticks where no power of ten lies inside', () => {
    const axis = axisOver([-1, 0, 3.1, 4.4], { scale: 'log' });
    expect([axis.from, axis.to]).toEqual([3.1, 4.4]);
    expect(axis.ticks.length).toBeGreaterThan(1);
    expect(axisOver([7, 7], { scale: 'log' }).to).toBe(14);
    expect(axisOver([0], { scale: 'log' }).to).toBe(10);
  });
});

test('room is added at both ends, on a logarithmic axis as factors', () => {
  expect(axisOver([0, 10], { room: 0.1 })).toMatchObject({ from: -1, to: 11 });
  expect(axisOver([1, 100], { scale: 'log', room: 0.5 })).toMatchObject({ from: 0.1, to: 1000 });
});

test.each([
  [0, '0'],
  [0.001, '0.001'],
  [0.00002, '2e-5'],
  [1e-7, '1e-7'],
  [0.30000000000000004, '0.3'],
  [9999, '9999'],
  [12_000, '12k'],
  [-2_500_000, '-2.5M'],
  [7e9, '7G'],
])('%d is written %s', (value, text) => expect(tickLabel(value)).toBe(text));

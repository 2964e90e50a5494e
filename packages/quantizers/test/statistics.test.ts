import { ShapeError } from '@qsparse/core';
import { sparsityStatistics } from '@qsparse/quantizers';
import { expect, test } from 'vitest';

test('zeros of both signs count, row by row', () => {
  expect(sparsityStatistics(new Float32Array([1, 0, -0, 2, 0, 0, 0, 5]), 4)).toEqual({
    sparsity: 5 / 8,
    meanActive: 1.5,
    fewestActive: 1,
    mostActive: 2,
    rows: 2,
  });
});

test('NaN and the smallest numbers are active', () => {
  const { sparsity, fewestActive } = sparsityStatistics([Number.NaN, Number.MIN_VALUE], 2);
  expect([sparsity, fewestActive]).toEqual([0, 2]);
});

test('a site that is all zero has sparsity 1', () => {
  expect(sparsityStatistics([0, 0, 0], 1)).toMatchObject({ sparsity: 1, mostActive: 0, rows: 3 });
});

test('ragged rows and no rows are refused', () => {
  expect(() => sparsityStatistics([1, 2, 3], 2)).toThrow(ShapeError);
  expect(() => sparsityStatistics([], 2)).toThrow('needs at least one row, got none');
});

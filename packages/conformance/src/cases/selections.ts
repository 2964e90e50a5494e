/** What the cases of the ops that select share: which of what shape, rows that break careless selection, safe numbers. */
import type { Shape } from '@qsparse/core';
import type { Draw } from '../draw.ts';
import type { Values } from '../op-case.ts';

/** [shape, k, block] */
export const SELECTIONS: readonly (readonly [shape: Shape, k: number, block: number])[] = [
  [[1], 1, 0],
  [[2], 1, 0],
  [[7], 7, 0],
  [[5, 1], 1, 0],
  [[3, 9], 1, 0],
  [[3, 9], 8, 0],
  [[2, 3, 33], 13, 0],
  [[4, 16], 2, 4],
  [[4, 16], 4, 4],
  [[3, 12], 1, 3],
  [[3, 12], 5, 12],
  [[9, 64], 16, 32],
];
export const LARGE_SELECTIONS: typeof SELECTIONS = [
  [[35, 520], 208, 0],
  [[17, 1024], 8, 32],
  [[3, 5003], 1, 0],
];

type NamedRow = readonly [name: string, row: readonly number[]];

/** Rows full of ties: of every sign, all equal, all zero. */
export const TIES: readonly NamedRow[] = [
  ['ties of both signs', [1, -2, 2, -1, 2, -2, 1, 0]],
  ['all equal', [3]],
  ['all zero', [0, -0]],
  ['subnormal numbers', [1e-40, -2e-40, 4e-40, 2e-40]],
  ['ties at the edge', [5, 1, 1, 1, 1, 1, 1, 9]],
];

export const BROKEN: readonly NamedRow[] = [
  ['a row with NaN', [1, 2, 3, 4, 5, NaN, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8]],
  ['a row with infinity', [1, 2, 3, 4, 5, 6, 7, 8, 1, -Infinity, 3, 4, 5, 6, 7, 8]],
];

/** Rows whose 127 x / max|x| lies within 0.4 of a whole number; the first entry of each row is the largest. */
export function awayFromTies(draw: Draw, shape: Shape, dtype: Draw['dtype'] = draw.dtype): Values {
  const width = shape.at(-1) ?? 1;
  const codes = draw.whole(shape, -126, 127).elements;
  const shares = draw.uniform(shape, -0.4, 0.4, 'f32').elements;
  const scales = draw.uniform(shape, 0.2, 3, 'f32').elements;
  const elements = codes.map((code, i) => {
    const largest = scales[Math.floor(i / width)]!;
    return i % width === 0 ? largest : ((code + shares[i]!) * largest) / 127;
  });
  return draw.floats(shape, elements, dtype);
}

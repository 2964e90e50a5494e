/** Cases of the ops that reduce rows or columns, and of softmax. */
import type {
  argmaxOp,
  broadcastOp,
  globalNormOp,
  ReduceAttrs,
  ReduceOver,
  reduceOp,
  Shape,
  softmaxBackwardOp,
  softmaxOp,
} from '@qsparse/core';
import { shapes } from '../draw.ts';
import type { CaseList } from '../op-case.ts';

const ROWS: readonly Shape[] = [[1], [3], [5, 1], [1, 7], [2, 3, 4], [9, 17], [70, 33]];
const LARGE: readonly (readonly [Shape, ReduceAttrs])[] = [
  [[3, 20_011], { kind: 'sum', over: 'last' }],
  [[3, 20_011], { kind: 'max', over: 'last' }],
  [[3, 20_011], { kind: 'mean', over: 'all' }],
  [[1025, 40], { kind: 'sum', over: 'leading' }],
  [[1025, 40], { kind: 'max', over: 'leading' }],
  [[5, 5003], { kind: 'mean', over: 'leading' }],
];

const OVER: readonly ReduceOver[] = ['last', 'leading', 'all'];

export const reduceCases: CaseList<typeof reduceOp> = (draw) => [
  ...(['sum', 'mean', 'max'] as const).flatMap((kind) =>
    OVER.flatMap((over) =>
      // Shifted, so that a sum is not a small difference of large ones.
      ROWS.map((shape) => ({
        name: `${kind} over ${over} ${shapes(shape)}`,
        ins: { x: draw.normal(shape, { shift: 1 }) },
        attrs: { kind, over },
      })),
    ),
  ),
  ...LARGE.map(([shape, attrs]) => ({
    name: `${attrs.kind} over ${attrs.over} ${shapes(shape)}`,
    ins: { x: draw.normal(shape, { shift: 1 }) },
    attrs,
  })),
  ...OVER.flatMap((over) =>
    (['sum', 'max'] as const).map((kind) => ({
      name: `${kind} over ${over} with NaN and infinities`,
      ins: { x: draw.floats([3, 4], [1, NaN, 2, -Infinity, Infinity, 3, -1, -2, -5, -6, -Infinity, -8]) },
      attrs: { kind, over },
    })),
  ),
  { name: 'a scalar', ins: { x: draw.normal([]) }, attrs: { kind: 'sum', over: 'all' } },
  {
    name: 'a sum of 70,000 equal numbers',
    ins: { x: draw.floats([70_000], [draw.dtype === 'f32' ? 0.1 : 0.125]) },
    attrs: { kind: 'sum', over: 'all' },
  },
];

export const broadcastCases: CaseList<typeof broadcastOp> = (draw) => [
  ...(
    [
      [[], [1]],
      [[], [3, 5]],
      [[1], [7, 1]],
      [[4], [4]],
      [[5], [3, 5]],
      [
        [2, 3],
        [4, 2, 3],
      ],
      [[33], [613, 33]],
    ] as const
  ).map(([x, shape]) => ({
    name: `leading ${shapes(x, shape)}`,
    ins: { x: draw.normal(x) },
    attrs: { shape, along: 'leading' as const },
  })),
  ...(
    [
      [[], [1]],
      [[], [9]],
      [[5], [5, 1]],
      [[5], [5, 3]],
      [
        [2, 3],
        [2, 3, 17],
      ],
      [[313], [313, 66]],
    ] as const
  ).map(([x, shape]) => ({
    name: `last ${shapes(x, shape)}`,
    ins: { x: draw.normal(x) },
    attrs: { shape, along: 'last' as const },
  })),
];

export const globalNormCases: CaseList<typeof globalNormOp> = (draw) => [
  ...([[], [1], [3], [5, 7], [40_003]] as const).map((shape) => ({
    name: shapes(shape),
    ins: { x: draw.normal(shape) },
    attrs: null,
  })),
  { name: 'zeros', ins: { x: draw.floats([9], [0]) }, attrs: null },
  { name: 'a NaN', ins: { x: draw.floats([9], [1, NaN, 2]) }, attrs: null },
  { name: 'an infinity', ins: { x: draw.floats([9], [1, -Infinity, 2]) }, attrs: null },
];

export const argmaxCases: CaseList<typeof argmaxOp> = (draw) => [
  ...([[1], [5], [4, 1], [2, 3, 7], [33, 9], [3, 20_011]] as const).map((shape) => ({
    name: shapes(shape),
    ins: { x: draw.normal(shape) },
    attrs: null,
  })),
  ...(
    [
      ['all equal', [2]],
      ['ties: the first', [0, 3, 1, 3, 3, 2]],
      ['-0 and 0 are equal', [-1, -0, 0, -0]],
      ['the first NaN', [1, 7, NaN, 9, NaN]],
      ['NaN beats infinity', [Infinity, NaN]],
      ['nothing but -infinity', [-Infinity]],
    ] as const
  ).map(([name, row]) => ({ name, ins: { x: draw.floats([2, 40], row) }, attrs: null })),
];

export const softmaxCases: CaseList<typeof softmaxOp> = (draw) => [
  ...([[1], [2], [5], [3, 1], [4, 17], [2, 3, 9], [2, 9001], [300, 35]] as const).map((shape) => ({
    name: shapes(shape),
    ins: { x: draw.normal(shape, { scale: 3 }) },
    attrs: { causal: false, window: 0 },
  })),
  {
    name: 'large numbers',
    ins: { x: draw.normal([3, 7], { scale: 1e4 }) },
    attrs: { causal: false, window: 0 },
  },
  ...(
    [
      ['-infinity is 0', [1, -Infinity, 2]],
      ['a NaN', [1, NaN, 2]],
      ['an infinity', [1, Infinity, 2]],
      ['nothing but -infinity', [-Infinity]],
    ] as const
  ).map(([name, row]) => ({
    name,
    ins: { x: draw.floats([2, 9], row) },
    attrs: { causal: false, window: 0 },
  })),
  ...(
    [
      [[1, 1], 0],
      [[5, 5], 0],
      [[2, 3, 7], 0],
      [[9, 33], 4],
      [[6, 6], 1],
      [[2, 67, 71], 0],
    ] as const
  ).map(([shape, window]) => ({
    name: `causal ${shapes(shape)} window ${window}`,
    ins: { x: draw.normal(shape) },
    attrs: { causal: true, window },
  })),
  // Below 0 the first rows see nothing; above Tk - Tq every row sees all.
  ...[0, 3, 100, -2, -9].map((position) => ({
    name: `causal [2, 5, 11] from position ${position}`,
    ins: { x: draw.normal([2, 5, 11]), position: draw.position(position) },
    attrs: { causal: true, window: 3 },
  })),
  ...[0, 4].map((window) => ({
    name: `causal [5, 2, 4, 11] from a position for each row, window ${window}`,
    ins: { x: draw.normal([5, 2, 4, 11]), position: draw.position([0, 7, -2, 100, -(2 ** 31)]) },
    attrs: { causal: true, window },
  })),
  {
    name: 'causal [3, 2, 9] from a position for each row',
    ins: { x: draw.normal([3, 2, 9]), position: draw.position([3, 0, 8]) },
    attrs: { causal: true, window: 0 },
  },
  ...[0, 3].map((window) => ({
    name: `causal [2, 3, 5, 7] from first columns, window ${window}`,
    ins: {
      x: draw.normal([2, 3, 5, 7]),
      first: draw.wholes([2, 5], [0, 2, 2, 5, 9, -3, 0, 4, -(2 ** 31), 2 ** 31 - 1]),
    },
    attrs: { causal: true, window },
  })),
  {
    name: 'causal [3, 2, 2, 20] from first columns and positions',
    ins: {
      x: draw.normal([3, 2, 2, 20]),
      position: draw.position([4, 18, -1]),
      first: draw.wholes([3, 2], [2, 2, 9, 19, 0, 0]),
    },
    attrs: { causal: true, window: 0 },
  },
];

export const softmaxBackwardCases: CaseList<typeof softmaxBackwardOp> = (draw) =>
  ([[1], [5], [3, 1], [4, 17], [2, 3, 9], [2, 9001], [300, 35]] as const).map((shape) => ({
    name: shapes(shape),
    ins: { y: draw.uniform(shape, 0, 1), dy: draw.normal(shape) },
    attrs: null,
  }));

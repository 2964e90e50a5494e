/** Cases of the ops that a language model is made of, but attention. */
import {
  adamwHyper,
  type adamwOp,
  type crossEntropyBackwardOp,
  crossEntropyOp,
  type embeddingBackwardOp,
  type embeddingOp,
  type kvAppendOp,
  type rmsNormBackwardOp,
  rmsNormOp,
  type Shape,
} from '@qsparse/core';
import { type Draw, forward, shapes } from '../draw.ts';
import type { CaseList, Values } from '../op-case.ts';
import { cancelling } from '../tolerance.ts';

/** [V, d], ids of that shape. */
const TABLES: readonly (readonly [table: Shape, ids: Shape])[] = [
  [[1, 1], [1]],
  [[7, 5], []],
  [
    [7, 5],
    [3, 4],
  ],
  [
    [40, 33],
    [2, 3, 5],
  ],
  [[100, 130], [157]],
];

export const embeddingCases: CaseList<typeof embeddingOp> = (draw) => [
  ...TABLES.map(([table, ids]) => ({
    name: shapes(table, ids),
    ins: { table: draw.normal(table), ids: draw.whole(ids, 0, table[0]!) },
    attrs: null,
    accuracy: 'exact' as const,
  })),
  {
    name: 'ids outside the table',
    ins: {
      table: draw.normal([5, 3]),
      ids: draw.wholes([8], [0, -1, 5, 4, 2 ** 31 - 1, -(2 ** 31), 2, 100]),
    },
    attrs: null,
    accuracy: 'exact',
  },
];

export const embeddingBackwardCases: CaseList<typeof embeddingBackwardOp> = (draw) => [
  ...TABLES.map(([table, ids]) => ({
    name: shapes(table, ids),
    ins: {
      dy: draw.normal([...ids, table[1]!]),
      ids: draw.whole(ids, 0, table[0]!),
      into: draw.normal(table),
    },
    attrs: null,
  })),
  {
    name: 'ids outside the table are skipped',
    ins: {
      dy: draw.normal([8, 3]),
      ids: draw.wholes([8], [0, -1, 5, 4, 2 ** 31 - 1, -(2 ** 31), 4, 100]),
      into: draw.normal([5, 3]),
    },
    attrs: null,
  },
  ...TABLES.map(([table, ids]) => ({
    name: `bf16 ${shapes(table, ids)} into f32`,
    ins: {
      dy: draw.normal([...ids, table[1]!], { dtype: 'bf16' }),
      ids: draw.whole(ids, 0, table[0]!),
      into: draw.normal(table, { dtype: 'f32' }),
    },
    attrs: null,
  })),
];

const NORMED: readonly Shape[] = [[1], [1, 5], [4, 1], [3, 7], [2, 3, 64], [33, 130], [35, 520]];
const EPSILON = { epsilon: 1e-5 };

export const rmsNormCases: CaseList<typeof rmsNormOp> = (draw) => [
  ...NORMED.flatMap((shape) => [
    {
      name: shapes(shape),
      ins: { x: draw.normal(shape), weight: draw.normal(shape.slice(-1)) },
      attrs: EPSILON,
      accuracy: cancelling(draw.dtype),
    },
    {
      name: `${shapes(shape)} without weight`,
      ins: { x: draw.normal(shape) },
      attrs: { epsilon: 1e-6 },
      accuracy: cancelling(draw.dtype),
    },
  ]),
  { name: 'a row of zeros', ins: { x: draw.floats([2, 9], [0]) }, attrs: EPSILON },
  { name: 'small numbers', ins: { x: draw.normal([3, 9], { scale: 1e-4 }) }, attrs: EPSILON },
  {
    name: 'a NaN and an infinity stay in their rows',
    ins: { x: draw.floats([3, 5], [1, 2, NaN, 4, 5, 1, 2, 3, 4, 5, 1, Infinity, 2, 3, 4]) },
    attrs: EPSILON,
  },
  ...NORMED.map((shape) => ({
    name: `bf16 ${shapes(shape)} with an f32 weight`,
    ins: {
      x: draw.normal(shape, { dtype: 'bf16' }),
      weight: draw.normal(shape.slice(-1), { dtype: 'f32' }),
    },
    attrs: EPSILON,
    ...(shape.at(-1) === 1 && { accuracy: cancelling('bf16') }),
  })),
];

type Dtype = Draw['dtype'];

export const rmsNormBackwardCases: CaseList<typeof rmsNormBackwardOp> = (draw) => {
  /** What is there beside dy and x, each in which dtype. */
  const make = (
    shape: Shape,
    parts: Readonly<Partial<Record<'weight' | 'intoX' | 'intoWeight', Dtype>>>,
    dtype: Dtype = draw.dtype,
  ) => {
    const x = draw.normal(shape, { dtype });
    const { inverseRms } = forward(rmsNormOp, { x }, EPSILON) as { inverseRms: Values };
    const { weight, intoX, intoWeight } = parts;
    return {
      ins: {
        ...{ dy: draw.normal(shape, { dtype }), x, inverseRms },
        ...(weight && { weight: draw.normal(shape.slice(-1), { dtype: weight }) }),
        ...(intoX && { intoX: draw.normal(shape, { dtype: intoX }) }),
        ...(intoWeight && { intoWeight: draw.normal(shape.slice(-1), { dtype: intoWeight }) }),
      },
      attrs: null,
    };
  };
  const own = draw.dtype;
  return [
    ...NORMED.flatMap((shape) =>
      [
        {},
        { weight: own },
        { weight: own, intoX: own, intoWeight: own },
        { weight: own, intoWeight: own },
        { intoX: own },
      ].map((parts) => ({
        name: [shapes(shape), ...Object.keys(parts)].join(', '),
        ...make(shape, parts),
        // A row of one entry is all along itself: what is left of its gradient is a difference.
        accuracy: cancelling(own),
      })),
    ),
    ...NORMED.filter((shape) => shape.at(-1)! > 1).flatMap((shape) =>
      (
        [
          { weight: 'f32' },
          { weight: 'f32', intoWeight: 'f32' },
          { weight: 'f32', intoX: 'bf16', intoWeight: 'f32' },
          { weight: 'f32', intoX: 'f32', intoWeight: 'f32' },
          { weight: 'bf16', intoX: 'bf16', intoWeight: 'f32' },
          { intoX: 'f32' },
        ] as const
      ).map((parts) => ({
        name: [`bf16 ${shapes(shape)}`, ...Object.entries(parts).map((part) => part.join(' '))].join(', '),
        ...make(shape, parts, 'bf16'),
      })),
    ),
  ];
};

export const kvAppendCases: CaseList<typeof kvAppendOp> = (draw) => [
  ...(
    [
      [[1, 1, 1, 1], 1, 0],
      [[2, 5, 3, 4], 2, 0],
      [[2, 5, 3, 4], 2, 3],
      [[2, 9, 1, 7], 1, 8],
      [[3, 70, 2, 65], 33, 30],
    ] as const
  ).map(([cache, tokens, position]) => ({
    name: `${shapes(cache)} ${tokens} at ${position}`,
    ins: {
      cache: draw.normal(cache),
      x: draw.normal([cache[0], tokens, cache[2], cache[3]]),
      position: draw.position(position),
    },
    attrs: null,
    accuracy: 'exact' as const,
  })),
  ...[4, 5, 1000, -1, -2, -50, 2 ** 31 - 1, -(2 ** 31)].map((position) => ({
    name: `position ${position} of 5, two tokens`,
    ins: {
      cache: draw.normal([2, 5, 1, 3]),
      x: draw.normal([2, 2, 1, 3]),
      position: draw.position(position),
    },
    attrs: null,
    accuracy: 'exact' as const,
  })),
  ...(
    [
      [[6, 5, 1, 3], 2, [3, 0, 4, -1, 2 ** 31 - 1, -(2 ** 31)]],
      [[9, 40, 2, 8], 1, [39, 0, 7, 40, 12, 12, -1, 30, 1]],
      [[2, 70, 2, 65], 33, [60, 5]],
    ] as const
  ).map(([cache, tokens, positions]) => ({
    name: `${shapes(cache)} ${tokens} at ${positions}`,
    ins: {
      cache: draw.normal(cache),
      x: draw.normal([cache[0], tokens, cache[2], cache[3]]),
      position: draw.position(positions),
    },
    attrs: null,
    accuracy: 'exact' as const,
  })),
];

/** Logits and targets, named. */
function predictions(draw: Draw): readonly { name: string; logits: Values; targets: Values }[] {
  const make = (name: string, logits: Values, targets: readonly number[] | undefined) => ({
    name,
    logits,
    targets: targets
      ? draw.wholes(logits.shape.slice(0, -1), targets)
      : draw.whole(logits.shape.slice(0, -1), 0, logits.shape.at(-1)!),
  });
  return [
    make('one row, one class', draw.normal([1, 1]), undefined),
    make('no leading dimension', draw.normal([7]), undefined),
    ...(
      [
        [3, 5],
        [2, 3, 17],
        [33, 1],
        [35, 259],
        [5, 4099],
      ] as const
    ).map((shape) => make(shapes(shape), draw.normal(shape, { scale: 2 }), undefined)),
    make('ignored targets', draw.normal([5, 9]), [3, -1, 0, -100, 8]),
    make('all ignored', draw.normal([4, 9]), [-1]),
    make('a target outside the vocabulary', draw.normal([4, 9]), [3, 9, 0, 1]),
    make('large logits', draw.normal([3, 9], { scale: 1000 }), undefined),
    make('an impossible class', draw.floats([2, 5], [1, -Infinity, 2, 0.5, -1]), [2, 0]),
    make('a NaN', draw.floats([2, 5], [1, 2, NaN, 0.5, -1, 1, 2, 3, 4, 5]), [2, 0]),
  ];
}

export const crossEntropyCases: CaseList<typeof crossEntropyOp> = (draw) =>
  predictions(draw).map(({ name, logits, targets }) => ({ name, ins: { logits, targets }, attrs: null }));

export const crossEntropyBackwardCases: CaseList<typeof crossEntropyBackwardOp> = (draw) =>
  predictions(draw).flatMap(({ name, logits, targets }) => {
    const { logSumExp, count } = forward(crossEntropyOp, { logits, targets }, null) as Record<
      'logSumExp' | 'count',
      Values
    >;
    const ins = { d: draw.floats([], [-1.5], 'f32'), logits, targets, logSumExp, count };
    return [
      { name, ins, attrs: null },
      {
        name: `${name}, over another tensor`,
        ins: { ...ins, overwrite: draw.normal(logits.shape) },
        attrs: null,
      },
      { name: `${name}, over the logits`, ins, shares: { overwrite: 'logits' as const }, attrs: null },
    ];
  });

export const adamwCases: CaseList<typeof adamwOp> = (draw) => {
  const state = (size: number, norm: number, clipNorm: number, step: number, weightDecay = 0.1) => ({
    value: draw.normal([size], { dtype: 'f32' }),
    grad: draw.normal([size], { dtype: 'f32' }),
    m: draw.normal([size], { dtype: 'f32', scale: 0.1 }),
    v: draw.uniform([size], 0, 0.1, 'f32'),
    norm: draw.floats([], [norm], 'f32'),
    hyper: draw.floats(
      [8],
      adamwHyper({ learningRate: 1e-2, weightDecay, beta1: 0.9, beta2: 0.95, step, clipNorm }),
      'f32',
    ),
  });
  const attrs = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, decay: true };
  return [
    ...[1, 3, 7, 130, 20_003].map((size) => ({ name: `${size} elements`, ins: state(size, 2, 0, 3), attrs })),
    { name: 'the first step', ins: state(33, 2, 0, 1), attrs },
    { name: 'without decay', ins: state(33, 2, 0, 3), attrs: { ...attrs, decay: false } },
    { name: 'clipped', ins: state(33, 5, 1, 3), attrs },
    { name: 'below the clip norm', ins: state(33, 0.5, 1, 3), attrs },
    { name: 'a norm of 0', ins: state(33, 0, 1, 3), attrs },
    {
      name: 'nothing but zeros',
      ins: { ...state(9, 0, 1, 1), ...zeroMoments(draw), grad: draw.floats([9], [0], 'f32') },
      attrs,
    },
    ...[Number.NaN, Number.POSITIVE_INFINITY].map((norm) => ({
      name: `a norm of ${norm} changes nothing`,
      ins: state(33, norm, 1, 3),
      attrs,
      accuracy: 'exact' as const,
    })),
  ];
};

const zeroMoments = (draw: Draw) => ({ m: draw.floats([9], [0], 'f32'), v: draw.floats([9], [0], 'f32') });

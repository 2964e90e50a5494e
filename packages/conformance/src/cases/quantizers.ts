/**
 * Cases of the mask and of the rounding ops. Where a rounding decides, inputs keep away from ties, or are ties that
 * float32 holds exactly: a device that computes in float32 has no other way to agree with float64.
 */
import type { Shape } from '@qsparse/core';
import type { quantizeInt8Op, selectOp, ternarizeOp } from '@qsparse/quantizers';
import { type Draw, shapes } from '../draw.ts';
import type { CaseList, Values } from '../op-case.ts';
import { awayFromTies, BROKEN, LARGE_SELECTIONS, SELECTIONS, TIES } from './selections.ts';

export const selectCases: CaseList<typeof selectOp> = (draw) => [
  ...[...SELECTIONS, ...LARGE_SELECTIONS].map(([shape, k, block]) => ({
    name: `${shapes(shape)} k ${k} block ${block}`,
    ins: { x: draw.normal(shape) },
    attrs: { k, block },
    accuracy: 'exact' as const,
  })),
  ...[...TIES, ...BROKEN].flatMap(([name, row]) =>
    [1, 3, 4].flatMap((k) =>
      [0, 4].map((block) => ({
        name: `${name}, k ${k} block ${block}`,
        ins: { x: draw.floats([2, 8], row) },
        attrs: { k, block },
        accuracy: 'exact' as const,
      })),
    ),
  ),
];

export const quantizeInt8Cases: CaseList<typeof quantizeInt8Op> = (draw) => [
  ...([[1], [7], [5, 1], [3, 9], [2, 3, 33], [35, 520]] as const).map((shape) => ({
    name: shapes(shape),
    ins: { x: awayFromTies(draw, shape) },
    attrs: null,
  })),
  {
    name: 'ties to even',
    ins: { x: draw.floats([2, 9], [127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5, 3]) },
    attrs: null,
  },
  { name: 'zeros', ins: { x: draw.floats([2, 9], [0, -0]) }, attrs: null },
  { name: 'below the smallest scale', ins: { x: draw.floats([2, 4], [1e-6, -3e-6, 0, 9e-6]) }, attrs: null },
  ...BROKEN.map(([name, row]) => ({ name, ins: { x: draw.floats([2, 8], row) }, attrs: null })),
];

/** Weights whose share of their mean magnitude is not within 0.01 of the tie at one half. */
function ternaryWeights(draw: Draw, shape: Shape, dtype = draw.dtype): Values {
  const { elements } = draw.normal(shape, { scale: 0.05, dtype });
  let values = draw.floats(shape, elements, dtype);
  for (let round = 0; round < 20; round++) {
    const mean = values.elements.reduce((sum, w) => sum + Math.abs(w), 0) / values.elements.length;
    values = draw.floats(
      shape,
      values.elements.map((w) => (Math.abs(Math.abs(w) / mean - 0.5) < 0.01 ? w * 0.9 : w)),
      dtype,
    );
  }
  return values;
}

/** Matrices of these numbers of rows one behind the other, each ten times as large as the one before. */
function sectioned(draw: Draw, shape: Shape, sections: readonly number[], dtype = draw.dtype): Values {
  const parts = sections.map((rows, i) =>
    ternaryWeights(draw, [rows, ...shape.slice(1)], dtype).elements.map((w) => w * 10 ** i),
  );
  return draw.floats(
    shape,
    parts.flatMap((part) => [...part]),
    dtype,
  );
}

const WHOLE: readonly Shape[] = [[1], [3], [5, 7], [33, 1], [67, 301]];

const SECTIONED: readonly (readonly [shape: Shape, sections: readonly number[]])[] = [
  [[1], [1]],
  [[7], [1, 1, 5]],
  [
    [6, 4],
    [1, 2, 3],
  ],
  [
    [5, 3, 7],
    [3, 2],
  ],
  [
    [96, 33],
    [64, 16, 16],
  ],
  [
    [67, 301],
    [37, 29, 1],
  ],
];

export const ternarizeCases: CaseList<typeof ternarizeOp> = (draw) => {
  const attrs = { sections: [], dtype: draw.dtype };
  return [
    ...WHOLE.map((shape) => ({ name: shapes(shape), ins: { w: ternaryWeights(draw, shape) }, attrs })),
    ...SECTIONED.map(([shape, sections]) => ({
      name: `${shapes(shape)} sections ${sections}`,
      ins: { w: sectioned(draw, shape, sections) },
      attrs: { ...attrs, sections },
    })),
    // The weights of bf16 products are kept in f32.
    ...[...WHOLE.map((shape) => [shape, []] as const), ...SECTIONED].map(([shape, sections]) => ({
      name: `bf16 of f32 ${shapes(shape)} sections ${sections}`,
      ins: {
        w:
          sections.length === 0
            ? ternaryWeights(draw, shape, 'f32')
            : sectioned(draw, shape, sections, 'f32'),
      },
      attrs: { sections, dtype: 'bf16' as const },
    })),
    ...(
      [
        ['ties to even', [3, 4], [1, -1, 0.5, -0.5, 1.5, 2, 0.5, -0.5, 1, 1.5, -1, 1], []],
        ['ties to even in sections', [3, 2], [1, -3, 1, 1, 0.5, 1.5], [1, 1, 1]],
        ['zeros', [9], [0], []],
        ['zeros beside others', [4, 2], [0, 0, 0, 0, 1, 2, -3, 1], [2, 2]],
        ['below the smallest scale', [8], [1e-6, -3e-6, 0, 9e-6], []],
        ['a NaN', [9], [1, NaN, 2], []],
        ['an infinity', [9], [1, Infinity, 2], []],
        ['a NaN in one section', [6, 2], [1, 2, 1, -2, 3, 3, 3, NaN, 1, 4, 4, 1], [1, 3, 2]],
        ['an infinity in one section', [3, 3], [1, 2, 3, 1, -Infinity, 2, 1, 2, 5], [1, 1, 1]],
      ] as const
    ).map(([name, shape, numbers, sections]) => ({
      name,
      ins: { w: draw.floats(shape, numbers) },
      attrs: { ...attrs, sections },
    })),
  ];
};

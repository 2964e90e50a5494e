/** Cases of an int8 embedding table: rows by id, and the product of a head. */
import type { int8EmbeddingOp, int8HeadOp } from '@qsparse/quantizers';
import { type Draw, shapes } from '../draw.ts';
import type { CaseList } from '../op-case.ts';
import { DEFAULT_TOLERANCE } from '../tolerance.ts';

/** [V, d] */
const TABLES: readonly (readonly [number, number])[] = [
  [1, 1],
  [5, 3],
  [7, 16],
  [9, 33],
  [130, 64],
  [6, 5003],
];

const tableOf = (draw: Draw, [length, width]: (typeof TABLES)[number]) => ({
  table: draw.wholes([length, width], draw.whole([length, width], -127, 128).elements, 'i8'),
  scales: draw.uniform([length], 0.001, 0.1, 'f32'),
});

export const int8EmbeddingCases: CaseList<typeof int8EmbeddingOp> = (draw) => [
  ...TABLES.map((size) => ({
    name: shapes(size),
    ins: { ...tableOf(draw, size), ids: draw.whole([2, 3], 0, size[0]) },
    attrs: null,
  })),
  {
    name: 'ids outside the table',
    ins: { ...tableOf(draw, [5, 3]), ids: draw.wholes([6], [0, -1, 5, 4, 2 ** 31 - 1, -(2 ** 31)]) },
    attrs: null,
  },
];

/** x may be rounded to 2^-14 of its largest entry, which is a share of the largest result. */
const ROUNDED = { relative: 2e-4, absolute: 2e-4 };

export const int8HeadCases: CaseList<typeof int8HeadOp> = (draw) => {
  const accuracy = draw.dtype === 'bf16' ? DEFAULT_TOLERANCE.bf16 : ROUNDED;
  return [
    ...TABLES.flatMap((size) =>
      ([[], [1], [2, 3]] as const).map((lead) => ({
        name: shapes(lead, size),
        ins: { ...tableOf(draw, size), x: draw.normal([...lead, size[1]]) },
        attrs: null,
        accuracy,
      })),
    ),
    {
      name: 'extreme',
      ins: {
        table: draw.wholes([3, 5000], [127], 'i8'),
        scales: draw.floats([3], [1], 'f32'),
        x: draw.floats([2, 5000], [1]),
      },
      attrs: null,
      accuracy,
    },
    {
      name: 'zeros, and a row with NaN',
      ins: {
        ...tableOf(draw, [3, 4]),
        x: draw.floats([2, 4], [0, 0, 0, 0, 1, NaN, 2, 3]),
      },
      attrs: null,
      accuracy,
    },
  ];
};

/** Cases of the ops that move or convert elements. All are exact, for every dtype of whole bytes. */
import {
  type castOp,
  type castStraightThroughOp,
  type concatOp,
  type copyOp,
  type copySectionOp,
  type fillOp,
  type permuteOp,
  type Shape,
  showShape,
  sizeOf,
  type sliceOp,
} from '@qsparse/core';
import { type Draw, SPECIAL, shapes } from '../draw.ts';
import type { CaseList, Values } from '../op-case.ts';

type StoredDType = Values['dtype'];
const DTYPES: readonly StoredDType[] = ['f32', 'bf16', 'i32', 'i8'];
const exact = 'exact' as const;

/** Different elements in every place, within the range of each dtype. */
function counting(draw: Draw, shape: Shape, dtype: StoredDType, first = 0): Values {
  const numbers = Array.from({ length: sizeOf(shape) }, (_, i) => ((i + first) % 251) - 125);
  return dtype === 'f32' || dtype === 'bf16'
    ? draw.floats(shape, numbers, dtype)
    : draw.wholes(shape, numbers, dtype);
}

export const copyCases: CaseList<typeof copyOp> = (draw) =>
  DTYPES.flatMap((dtype) =>
    ([[], [1], [3], [7], [130], [3, 5], [67, 301]] as const).map((shape) => ({
      name: `${dtype} ${shapes(shape)}`,
      ins: {
        into: counting(draw, shape, dtype, 9),
        x: counting(draw, shape.length === 2 ? [sizeOf(shape)] : shape, dtype),
      },
      attrs: null,
      accuracy: exact,
    })),
  );

export const fillCases: CaseList<typeof fillOp> = (draw) =>
  (['f32', 'bf16', 'i32'] as const).flatMap((dtype) =>
    ([[], [1], [3], [5], [130], [20_001]] as const).flatMap((shape) =>
      [0, -3].map((value) => ({
        name: `${dtype} ${shapes(shape)} with ${value}`,
        ins: { into: counting(draw, shape, dtype) },
        attrs: { value },
        accuracy: exact,
      })),
    ),
  );

/** Ties of bf16, both ends of the integers, truncation from both sides, and what is no number. */
const CONVERTED: readonly number[] = [
  ...SPECIAL,
  ...[1.00390625, 1.01171875, -1.00390625, 3.3895e38, 0.1, 2.5, -2.5, 0.999, -0.999],
  ...[
    126.9,
    127.5,
    128,
    -127.9,
    -128.5,
    -129,
    300,
    -300,
    65_537,
    2 ** 31,
    -(2 ** 31),
    2 ** 31 - 128,
    1e20,
    -1e20,
  ],
];
const WHOLE: readonly number[] = [
  0,
  1,
  -1,
  127,
  128,
  -128,
  -129,
  257,
  16_777_217,
  -16_777_219,
  2 ** 31 - 1,
  -(2 ** 31),
];

function convertible(draw: Draw, shape: Shape, dtype: StoredDType): Values {
  if (dtype === 'f32' || dtype === 'bf16') return draw.floats(shape, CONVERTED, dtype);
  return dtype === 'i32'
    ? draw.wholes(shape, WHOLE)
    : draw.wholes(shape, [0, 1, -1, 127, -128, 5, -77], 'i8');
}

export const castCases: CaseList<typeof castOp> = (draw) =>
  DTYPES.flatMap((from) =>
    DTYPES.filter((to) => to !== from).flatMap((dtype) =>
      ([[], [1], [3], [34], [5, 7], [67, 301]] as const).map((shape) => ({
        name: `${from} to ${dtype} ${shapes(shape)}`,
        ins: { x: convertible(draw, shape, from) },
        attrs: { dtype },
        accuracy: exact,
      })),
    ),
  );

export const castStraightThroughCases: CaseList<typeof castStraightThroughOp> = (draw) =>
  ([[], [1], [3], [34], [5, 7], [67, 301]] as const).map((shape) => ({
    name: shapes(shape),
    ins: { x: convertible(draw, shape, 'f32') },
    attrs: { dtype: 'bf16' },
    accuracy: exact,
  }));

const SECTIONS: readonly (readonly [whole: Shape, axis: number, start: number, length: number])[] = [
  [[1], 0, 0, 1],
  [[9], 0, 2, 5],
  [[4, 7], 0, 1, 2],
  [[4, 7], 1, 6, 1],
  [[4, 7], 1, 0, 7],
  [[3, 5, 2], 1, 2, 3],
  [[2, 3, 4, 5], 2, 1, 2],
  [[313, 70], 1, 3, 66],
  [[2, 9001], 1, 1, 9000],
];

export const sliceCases: CaseList<typeof sliceOp> = (draw) =>
  DTYPES.flatMap((dtype) =>
    SECTIONS.map(([shape, axis, start, length]) => ({
      name: `${dtype} ${showShape(shape)} axis ${axis} from ${start}, ${length}`,
      ins: { x: counting(draw, shape, dtype) },
      attrs: { axis, start, length },
      accuracy: exact,
    })),
  );

export const copySectionCases: CaseList<typeof copySectionOp> = (draw) =>
  DTYPES.flatMap((dtype) =>
    SECTIONS.map(([shape, axis, start, length]) => ({
      name: `${dtype} ${showShape(shape)} axis ${axis} from ${start}, ${length}`,
      ins: {
        into: counting(draw, shape, dtype),
        x: counting(
          draw,
          shape.map((dimension, i) => (i === axis ? length : dimension)),
          dtype,
          77,
        ),
      },
      attrs: { axis, start },
      accuracy: exact,
    })),
  );

export const concatCases: CaseList<typeof concatOp> = (draw) =>
  DTYPES.flatMap((dtype) =>
    (
      [
        [0, [[3]]],
        [0, [[1], [4], [2]]],
        [
          1,
          [
            [3, 1],
            [3, 5],
          ],
        ],
        [
          1,
          [
            [2, 3, 4],
            [2, 1, 4],
            [2, 2, 4],
          ],
        ],
        [
          1,
          [
            [130, 70],
            [130, 61],
          ],
        ],
      ] as readonly (readonly [number, readonly Shape[]])[]
    ).map(([axis, all]) => ({
      name: `${dtype} ${shapes(...all)} along ${axis}`,
      ins: Object.fromEntries(all.map((shape, i) => [`x${i}`, counting(draw, shape, dtype, 10 * i)])),
      attrs: { axis },
      accuracy: exact,
    })),
  );

const ORDERS: readonly (readonly [shape: Shape, order: readonly number[]])[] = [
  [
    [1, 1],
    [1, 0],
  ],
  [
    [3, 5],
    [0, 1],
  ],
  [
    [3, 5],
    [1, 0],
  ],
  [
    [1, 7],
    [1, 0],
  ],
  [
    [33, 70],
    [1, 0],
  ],
  [
    [67, 131],
    [1, 0],
  ],
  [
    [2, 3, 5],
    [0, 2, 1],
  ],
  [
    [2, 3, 5],
    [2, 0, 1],
  ],
  [
    [4, 5, 6],
    [1, 0, 2],
  ],
  [
    [4, 1, 6],
    [2, 1, 0],
  ],
  [
    [2, 9, 4, 6],
    [0, 2, 1, 3],
  ],
  [
    [3, 4, 5, 6],
    [3, 1, 0, 2],
  ],
  [
    [2, 35, 3, 37],
    [0, 2, 3, 1],
  ],
  [
    [2, 3, 4, 5, 6],
    [4, 3, 2, 1, 0],
  ],
  [
    [3, 2, 4, 3, 5],
    [1, 3, 0, 2, 4],
  ],
  [
    [3, 2, 4, 3, 35],
    [4, 0, 3, 1, 2],
  ],
];

export const permuteCases: CaseList<typeof permuteOp> = (draw) =>
  DTYPES.flatMap((dtype) =>
    ORDERS.map(([shape, order]) => ({
      name: `${dtype} ${showShape(shape)} to ${order.join(' ')}`,
      ins: { x: counting(draw, shape, dtype) },
      attrs: { order },
      accuracy: exact,
    })),
  );

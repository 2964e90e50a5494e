/** Cases of the ops that decode with: lists of active channels, and products that read those channels alone. */
import type { Shape } from '@qsparse/core';
import {
  channelBytes,
  type compactOp,
  packChannelMajor,
  type packTernaryOp,
  type sparseGemvOp,
  type ternaryGemvOp,
} from '@qsparse/quantizers';
import { type Draw, shapes } from '../draw.ts';
import type { CaseList, Values } from '../op-case.ts';
import { awayFromTies, BROKEN, TIES } from './selections.ts';

/** x of which about the given share of entries is zero. */
function withZeros(draw: Draw, x: Values, share: number): Values {
  const { elements } = draw.uniform(x.shape, 0, 1, 'f32');
  return { ...x, elements: x.elements.map((entry, i) => (elements[i]! < share ? 0 : entry)) };
}

const ROWS: readonly (readonly [shape: Shape, k: number])[] = [
  [[1], 1],
  [[7], 7],
  [[5, 1], 1],
  [[3, 9], 8],
  [[3, 9], 1],
  [[2, 3, 33], 13],
  [[4, 64], 64],
  [[2, 1030], 400],
  [[3, 5003], 2500],
];

export const compactCases: CaseList<typeof compactOp> = (draw) => [
  ...ROWS.flatMap(([shape, k]) =>
    [false, true].map((int8) => ({
      name: `${int8 ? 'int8 ' : ''}${shapes(shape)} k ${k}`,
      ins: { x: withZeros(draw, awayFromTies(draw, shape), 0.5) },
      attrs: { k, int8 },
    })),
  ),
  ...[...TIES, ...BROKEN].flatMap(([name, row]) =>
    [false, true].flatMap((int8) =>
      [1, 5, 8].map((k) => ({
        name: `${name}, ${int8 ? 'int8 ' : ''}k ${k}`,
        ins: { x: draw.floats([2, 8], row) },
        attrs: { k, int8 },
      })),
    ),
  ),
  {
    name: 'more entries than places',
    ins: { x: draw.floats([2, 40], [1, -2, 0, 3]) },
    attrs: { k: 7, int8: true },
  },
];

interface List {
  readonly indices: Values;
  readonly count: Values;
  /** Whether a place of the list is filled. */
  isFilled(place: number): boolean;
}

/** Lists of rows with other numbers of entries each, from none to all places. */
function listOf(draw: Draw, lead: Shape, inputs: number, k: number, full: boolean): List {
  const rows = lead.reduce((product, n) => product * n, 1);
  const counts = Array.from({ length: rows }, (_, row) => (full ? k : Math.floor((k * row) / rows)));
  const indices = counts.flatMap((count, row) =>
    Array.from({ length: k }, (_, j) => (j < count ? Math.floor((j * inputs + (row % inputs)) / k) : 0)),
  );
  return {
    indices: draw.wholes([...lead, k], indices),
    count: draw.wholes(lead, counts),
    isFilled: (place) => place % k < counts[Math.floor(place / k)]!,
  };
}

const filled = (list: List, values: Values): Values => ({
  ...values,
  elements: values.elements.map((value, place) => (list.isFilled(place) ? value : 0)),
});

/** [rows, inputs, k, outputs, whether all places are filled] */
const PRODUCTS: readonly (readonly [Shape, number, number, number, boolean])[] = [
  [[], 1, 1, 1, true],
  [[1], 9, 1, 3, true],
  [[1], 9, 8, 17, true],
  [[1], 33, 33, 65, true],
  [[2, 3], 40, 13, 257, false],
  [[1], 300, 200, 513, true],
  [[3], 140, 137, 300, false],
  [[2], 1031, 1030, 31, true],
];

/** Weights, and a stream beside them, that a device without bf16 reads too. */
const STORED = ['f32', 'bf16', 'i8'] as const;

export const sparseGemvCases: CaseList<typeof sparseGemvOp> = (draw) => [
  ...PRODUCTS.flatMap(([lead, inputs, k, outputs, full]) =>
    STORED.map((stored, i) => {
      const list = listOf(draw, lead, inputs, k, full);
      const shape = [inputs, outputs];
      const w =
        stored === 'i8'
          ? draw.wholes(shape, draw.whole(shape, -127, 128).elements, 'i8')
          : draw.normal(shape, { dtype: stored });
      const { dtype } = draw;
      return {
        name: `${stored} ${shapes(lead, shape)} k ${k}`,
        ins: {
          ...{ indices: list.indices, count: list.count, w },
          values: filled(list, draw.normal(list.indices.shape, { dtype: 'f32' })),
          ...(stored === 'i8' && { scales: draw.uniform([outputs], 0.01, 0.02, 'f32') }),
          ...((i + k) % 2 === 0 && { add: draw.normal([...lead, outputs]) }),
        },
        attrs: { dtype },
        ...(dtype === 'f32' && { accuracy: { relative: 1e-5, absolute: 3e-6 } }),
      };
    }),
  ),
  {
    name: 'an index outside',
    ins: {
      indices: draw.wholes([3, 2], [1, 4, 1, 2, -1, 2]),
      count: draw.wholes([3], [2]),
      values: draw.floats([3, 2], [1, 2], 'f32'),
      w: draw.normal([4, 5], { dtype: 'f32' }),
    },
    attrs: { dtype: draw.dtype },
  },
];

export const ternaryGemvCases: CaseList<typeof ternaryGemvOp> = (draw) => {
  type Numbers = Readonly<{
    values?: readonly number[];
    weights?: readonly number[];
    scale?: readonly number[];
  }>;
  const make = (
    name: string,
    [lead, inputs, k, outputs, full]: (typeof PRODUCTS)[number],
    { values, weights, scale }: Numbers = {},
  ) => {
    const list = listOf(draw, lead, inputs, k, full);
    const codes = values ?? Array.from(draw.whole(list.indices.shape, -127, 128).elements);
    const w = draw.wholes([outputs * inputs], weights ?? draw.whole([outputs * inputs], -1, 2).elements);
    const bytes = new Int8Array(packChannelMajor(w.elements, outputs, inputs).buffer);
    const factors = scale ?? Array.from(draw.uniform(lead, 0.001, 0.1, 'f32').elements);
    return {
      name: `${name}${shapes(lead, [inputs, outputs])} k ${k}`,
      ins: {
        ...{ indices: list.indices, count: list.count },
        values: filled(list, draw.wholes(list.indices.shape, codes, 'i8')),
        w: draw.wholes([inputs, channelBytes(outputs)], bytes, 'i8'),
        scale: draw.floats(lead, factors, 'f32'),
        scales: draw.uniform([outputs], 0.5, 2, 'f32'),
        ...(k % 2 === 1 && { add: draw.normal([...lead, outputs]) }),
      },
      attrs: { dtype: draw.dtype },
    };
  };
  const good = make('', [[3], 4, 2, 5, true]);
  const outside = {
    ...good,
    name: 'an index outside',
    ins: { ...good.ins, indices: draw.wholes([3, 2], [1, 4, 1, 2, -1, 2]) },
  };
  return [
    ...PRODUCTS.map((sizes) => make('', sizes)),
    make('extreme, ', [[2], 300, 300, 70, true], { values: [127], weights: [1] }),
    make('extreme of both signs, ', [[2], 300, 259, 70, true], { values: [127, -127], weights: [1, -1] }),
    make('extreme and long, ', [[1], 1100, 1099, 7, true], { values: [-127], weights: [1] }),
    make('extreme, one row of weights after another, ', [[2], 516, 516, 300, false], {
      ...{ values: [127, -127, 127], weights: [-1, 1] },
    }),
    make('levels of 0, ', [[3], 65, 64, 33, true], { values: [0] }),
    make('a row that is not finite, ', [[2], 12, 5, 4, true], { scale: [NaN, 1] }),
    outside,
  ];
};

/** [outputs, inputs]: odd ones, and both sides of a block of 256 outputs. */
const PACKED: readonly (readonly [number, number])[] = [
  [1, 1],
  [3, 5],
  [64, 33],
  [65, 3],
  [255, 31],
  [256, 40],
  [257, 7],
  [600, 129],
];

export const packTernaryCases: CaseList<typeof packTernaryOp> = (draw) => [
  ...PACKED.map(([outputs, inputs]) => {
    const signs = draw.whole([outputs * inputs], -1, 2).elements;
    return {
      name: shapes([outputs, inputs]),
      ins: {
        w: draw.floats(
          [outputs, inputs],
          Array.from(signs, (sign) => sign * 0.02734375),
        ),
      },
      attrs: null,
    };
  }),
  {
    name: 'any magnitude',
    ins: {
      w: draw.floats([3, 8], [0, -0, 1e30, -1e30, Number.NaN, Infinity, -Infinity, 2 ** -100]),
    },
    attrs: null,
  },
];

/** Cases of the ops that turn heads by their position. */
import {
  type RotaryHeadsAttrs,
  type ropeOp,
  ropeTable,
  type rotaryHeadsAppendOp,
  type rotaryHeadsBackwardOp,
  type rotaryHeadsOp,
} from '@qsparse/core';
import { type Draw, SPECIAL, shapes } from '../draw.ts';
import type { CaseList, Values } from '../op-case.ts';

function tableFor(draw: Draw, length: number, headDim: number): Values {
  return draw.floats([length, headDim / 2, 2], ropeTable({ length, headDim, theta: 10_000 }), 'f32');
}

export const ropeCases: CaseList<typeof ropeOp> = (draw) =>
  [true, false].flatMap((interleaved) =>
    [true, false].flatMap((inverse) => {
      const attrs = { interleaved, inverse };
      const how = `${interleaved ? 'interleaved' : 'halves'}${inverse ? ' inverse' : ''}`;
      return [
        ...(
          [
            [1, 1, 2],
            [5, 3, 6],
            [2, 3, 2, 4],
            [2, 2, 3, 1, 10],
            [3, 33, 4, 64],
          ] as const
        ).map((shape) => ({
          name: `${how} ${shapes(shape)}`,
          ins: { x: draw.normal(shape), table: tableFor(draw, shape.at(-3)! + 2, shape.at(-1)!) },
          attrs,
        })),
        // From 8 on, tokens leave the table: their rows are NaN.
        ...[0, 4, 8, -2].map((position) => ({
          name: `${how} from position ${position}`,
          ins: {
            x: draw.normal([2, 3, 2, 8]),
            table: tableFor(draw, 9, 8),
            position: draw.position(position),
          },
          attrs,
        })),
        {
          name: `${how} from a position for each row`,
          ins: {
            x: draw.normal([5, 3, 2, 8]),
            table: tableFor(draw, 9, 8),
            position: draw.position([4, 0, 8, -2, 2 ** 31 - 1]),
          },
          attrs,
        },
        {
          name: `${how} from a position for each of two times three rows`,
          ins: {
            x: draw.normal([2, 3, 1, 3, 16]),
            table: tableFor(draw, 9, 16),
            position: draw.position([7, 1]),
          },
          attrs,
        },
      ];
    }),
  );

interface HeadSizes extends RotaryHeadsAttrs {
  readonly batch: number;
  readonly tokens: number;
  /** D */
  readonly width: number;
}

const sizes = (
  batch: number,
  tokens: number,
  heads: number,
  keyValueHeads: number,
  width: number,
): HeadSizes => ({
  ...{ batch, tokens, heads, keyValueHeads, width },
});

const HEADS: readonly HeadSizes[] = [
  sizes(1, 1, 1, 1, 2),
  sizes(2, 3, 1, 1, 4),
  sizes(3, 5, 4, 2, 6),
  sizes(1, 7, 3, 1, 10),
  sizes(2, 4, 6, 6, 16),
  sizes(3, 33, 4, 2, 64),
];

interface Placed {
  readonly of: HeadSizes;
  readonly name: string;
  readonly ins: { readonly table: Values; readonly position?: Values };
}

/** Sizes, table and position of each case. */
function placed(draw: Draw): readonly Placed[] {
  return [
    ...HEADS.map((of) => ({
      of,
      name: `[${of.batch}, ${of.tokens}] of ${of.heads} and ${of.keyValueHeads} heads of ${of.width}`,
      ins: { table: tableFor(draw, of.tokens + 2, of.width) },
    })),
    // From 7 on, tokens leave the table: their queries and keys are NaN, their values are not.
    ...[0, 4, 7, 9, -2, -(2 ** 31), 2 ** 31 - 1].map((position) => ({
      of: sizes(2, 3, 4, 2, 8),
      name: `from position ${position}`,
      ins: { table: tableFor(draw, 9, 8), position: draw.position(position) },
    })),
    ...[
      { of: sizes(7, 3, 4, 2, 8), positions: [4, 0, 7, -2, 9, -(2 ** 31), 2 ** 31 - 1] },
      { of: sizes(9, 1, 2, 1, 16), positions: [8, 0, 3, 3, 9, 1, 7, 5, -1] },
    ].map(({ of, positions }) => ({
      of,
      name: `[${of.batch}, ${of.tokens}] from positions ${positions}`,
      ins: { table: tableFor(draw, 9, of.width), position: draw.position(positions) },
    })),
  ];
}

export const rotaryHeadsCases: CaseList<typeof rotaryHeadsOp> = (draw) => [
  ...placed(draw).map(({ of: { batch, tokens, heads, keyValueHeads, width }, name, ins }) => ({
    name,
    ins: { x: draw.normal([batch, tokens, (heads + 2 * keyValueHeads) * width]), ...ins },
    attrs: { heads, keyValueHeads },
  })),
  {
    name: 'special numbers stay in their pairs',
    ins: { x: draw.floats([1, 5, 4 * 10], SPECIAL), table: tableFor(draw, 5, 10) },
    attrs: { heads: 2, keyValueHeads: 1 },
  },
];

/** With a place of their own in the cache, of which some tokens fall out. */
export const rotaryHeadsAppendCases: CaseList<typeof rotaryHeadsAppendOp> = (draw) => [
  ...placed(draw).map(({ of: { batch, tokens, heads, keyValueHeads, width }, name, ins }, i) => {
    const cache = [batch, tokens + 3, keyValueHeads, width];
    const places = Array.from({ length: batch }, (_, b) => ((i + 3 * b) % (tokens + 5)) - 1);
    return {
      name: `${name}, cache ${shapes(cache)}`,
      ins: {
        ...{ x: draw.normal([batch, tokens, (heads + 2 * keyValueHeads) * width]), table: ins.table },
        position: ins.position ?? draw.position(0),
        ...{ keys: draw.normal(cache), values: draw.normal(cache) },
        place: draw.position(i % 2 ? places : places[0]!),
      },
      attrs: { heads, keyValueHeads },
    };
  }),
  ...[4, 5, -1, 2 ** 31 - 1, -(2 ** 31)].map((place) => ({
    name: `place ${place} of 5, two tokens`,
    ins: {
      ...{ x: draw.normal([1, 2, 4 * 16]), table: tableFor(draw, 9, 16), position: draw.position(3) },
      ...{ keys: draw.normal([1, 5, 1, 16]), values: draw.normal([1, 5, 1, 16]) },
      place: draw.position(place),
    },
    attrs: { heads: 2, keyValueHeads: 1 },
  })),
];

export const rotaryHeadsBackwardCases: CaseList<typeof rotaryHeadsBackwardOp> = (draw) => [
  ...placed(draw).map(({ of: { batch, tokens, heads, keyValueHeads, width }, name, ins }) => ({
    name,
    ins: {
      dQuery: draw.normal([batch, tokens, heads, width]),
      dKey: draw.normal([batch, tokens, keyValueHeads, width]),
      dValue: draw.normal([batch, tokens, keyValueHeads, width]),
      ...ins,
    },
    attrs: null,
  })),
  {
    name: 'special numbers stay in their pairs',
    ins: {
      dQuery: draw.floats([1, 5, 2, 10], SPECIAL),
      dKey: draw.floats([1, 5, 1, 10], SPECIAL),
      dValue: draw.floats([1, 5, 1, 10], SPECIAL),
      table: tableFor(draw, 5, 10),
    },
    attrs: null,
  },
];

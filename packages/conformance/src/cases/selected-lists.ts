/**
 * Cases of sparsify-list and gated-sparsify-list: a choice of those of the ops that they follow, where one answer is right,
 * and long rows, whose list is what a token of a model is multiplied with.
 */
import type { GatedActivationAttrs, Shape } from '@qsparse/core';
import type { gatedSparsifyListOp, SparsifyAttrs, sparsifyListOp } from '@qsparse/quantizers';
import { type Draw, shapes } from '../draw.ts';
import type { CaseList, Values } from '../op-case.ts';
import { DEFAULT_TOLERANCE } from '../tolerance.ts';
import { awayFromTies, BROKEN, LARGE_SELECTIONS, SELECTIONS, TIES } from './selections.ts';
import { settledRows } from './settled.ts';
import { nearOne } from './sparsify.ts';

type Mode = Omit<SparsifyAttrs, 'k' | 'block'>;
const NONE: Mode = { int8: false, ste: true, normalize: false, epsilon: 1e-6 };
const MODES: readonly (readonly [name: string, mode: Mode])[] = [
  ['plain', NONE],
  ['int8', { ...NONE, int8: true }],
  ['norm', { ...NONE, normalize: true }],
  ['norm, int8', { ...NONE, normalize: true, int8: true }],
];

/** What is kept may be all of a row, and all but one. */
const LISTS: typeof SELECTIONS = [...SELECTIONS, [[2, 37], 36, 0], [[2, 37], 37, 0], [[3, 20], 1, 20]];
const LONG: typeof SELECTIONS = [...LARGE_SELECTIONS, [[3, 5003], 2500, 0], [[1, 6912], 6911, 0]];

/** Values are f32 that hold numbers of the input's dtype. */
const accuracy = ({ dtype }: Pick<Values, 'dtype'>) => DEFAULT_TOLERANCE[dtype === 'bf16' ? 'bf16' : 'f32'];

export const sparsifyListCases: CaseList<typeof sparsifyListOp> = (draw) => {
  const make = (
    name: string,
    [shape, k, block]: (typeof SELECTIONS)[number],
    mode: Mode,
    weight?: Values,
  ): ReturnType<CaseList<typeof sparsifyListOp>>[number] => {
    const attrs = { ...mode, k, block };
    const x = settledRows(draw, shape, attrs, weight, (row) => awayFromTies(draw, row));
    return {
      name: `${name} ${shapes(shape)} k ${k} block ${block}${weight ? `, weight ${weight.dtype}` : ''}`,
      ins: { x, ...(weight && { weight }) },
      attrs,
      accuracy: accuracy(x),
    };
  };
  const weightOf = (shape: Shape, dtype = draw.dtype) => draw.uniform(shape.slice(-1), 0.5, 1.5, dtype);
  return [
    ...MODES.flatMap(([name, mode]) => LISTS.map((selection) => make(name, selection, mode))),
    ...MODES.slice(2).flatMap(([name, mode]) =>
      LISTS.map((selection) => make(name, selection, mode, weightOf(selection[0]))),
    ),
    ...LONG.map((selection) => make('long', selection, MODES[3]![1], weightOf(selection[0]))),
    ...MODES.flatMap(([name, mode]) =>
      [...TIES, ...BROKEN].flatMap(([row, numbers]) =>
        (
          [
            [3, 0],
            [1, 4],
            [8, 0],
          ] as const
        ).map(([k, block]) => ({
          name: `${name}: ${row}, k ${k} block ${block}`,
          ins: { x: draw.floats([2, 8], numbers) },
          attrs: { ...mode, k, block },
          accuracy: DEFAULT_TOLERANCE[draw.dtype],
        })),
      ),
    ),
    // Equal numbers times weights that bf16 cannot tell apart: ties, of which the first ones stay.
    ...[0, 12].map((block) => ({
      name: `bf16 ties by rounding, block ${block}`,
      ins: { x: draw.floats([2, 36], [1.5, -1.5, 1.5], 'bf16'), weight: nearOne(draw, 36) },
      attrs: { ...MODES[3]![1], k: 5, block },
      accuracy: DEFAULT_TOLERANCE.bf16,
    })),
  ];
};

/** Rows [gate | up] of h = up, twice: the squared ReLU of 1 is 1. */
const gatedByOne = (draw: Draw, row: readonly number[]): Values => {
  const ups = Array.from({ length: 16 }, (_, i) => row[i % row.length]!);
  const ones = Array<number>(8).fill(1);
  return draw.floats([2, 16], [...ones, ...ups.slice(0, 8), ...ones, ...ups.slice(8)]);
};

const GATED: typeof SELECTIONS = [
  [[1], 1, 0],
  [[2, 3, 33], 13, 0],
  [[2, 33], 32, 0],
  [[2, 33], 33, 0],
  [[4, 16], 2, 4],
  [[2, 64], 25, 32],
];

export const gatedSparsifyListCases: CaseList<typeof gatedSparsifyListOp> = (draw) => {
  const make = (
    kind: GatedActivationAttrs['kind'],
    [name, mode]: (typeof MODES)[number],
    [shape, k, block]: (typeof SELECTIONS)[number],
    weight?: Values,
  ): ReturnType<CaseList<typeof gatedSparsifyListOp>>[number] => {
    const attrs = { ...mode, kind, k, block };
    const doubled = [...shape.slice(0, -1), 2 * shape.at(-1)!];
    const x = settledRows(draw, doubled, attrs, weight, (row) => draw.normal(row));
    return {
      name: `${kind}, ${name} ${shapes(shape)} k ${k} block ${block}${weight ? ', weight' : ''}`,
      ins: { x, ...(weight && { weight }) },
      attrs,
      accuracy: accuracy(x),
    };
  };
  const weightOf = (shape: Shape) => draw.uniform(shape.slice(-1), 0.5, 1.5);
  return [
    ...(['squared-relu', 'silu', 'gelu'] as const).flatMap((kind) =>
      MODES.flatMap((mode) => GATED.map((selection) => make(kind, mode, selection))),
    ),
    ...[...GATED, ...LARGE_SELECTIONS].map((selection) =>
      make('squared-relu', MODES[3]!, selection, weightOf(selection[0])),
    ),
    ...MODES.flatMap(([name, mode]) =>
      [...TIES, ...BROKEN].flatMap(([row, numbers]) =>
        [3, 8].map((k) => ({
          name: `${name}: ${row}, k ${k}`,
          ins: { x: gatedByOne(draw, numbers) },
          attrs: { ...mode, kind: 'squared-relu' as const, k, block: 0 },
          accuracy: DEFAULT_TOLERANCE[draw.dtype],
        })),
      ),
    ),
  ];
};

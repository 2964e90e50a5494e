/**
 * Cases of the selection and rounding ops. Where a rounding decides, inputs keep away from ties, or are ties that
 * float32 holds exactly: a device that computes in float32 has no other way to agree with float64.
 */
import type { Shape } from '@qsparse/core';
import type {
  quantizeInt8Op,
  SparsifyAttrs,
  selectOp,
  sparsifyOp,
  sparsifyStraightThroughOp,
  ternarizeOp,
} from '@qsparse/quantizers';
import { type Draw, shapes } from '../draw.ts';
import type { CaseList, Values } from '../op-case.ts';

/** [shape, k, block] */
const SELECTIONS: readonly (readonly [shape: Shape, k: number, block: number])[] = [
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
const LARGE_SELECTIONS: typeof SELECTIONS = [
  [[35, 520], 208, 0],
  [[17, 1024], 8, 32],
  [[3, 5003], 1, 0],
];

/** Rows full of ties: of every sign, all equal, all zero. */
const TIES: readonly (readonly [name: string, row: readonly number[]])[] = [
  ['ties of both signs', [1, -2, 2, -1, 2, -2, 1, 0]],
  ['all equal', [3]],
  ['all zero', [0, -0]],
  ['subnormal numbers', [1e-40, -2e-40, 3e-40, 2e-40]],
  ['ties at the edge', [5, 1, 1, 1, 1, 1, 1, 9]],
];

const BROKEN: readonly (readonly [name: string, row: readonly number[]])[] = [
  ['a row with NaN', [1, 2, 3, 4, 5, NaN, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8]],
  ['a row with infinity', [1, 2, 3, 4, 5, 6, 7, 8, 1, -Infinity, 3, 4, 5, 6, 7, 8]],
];

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

/** Rows whose 127 x / max|x| lies within 0.4 of a whole number; the first entry of each row is the largest. */
function awayFromTies(draw: Draw, shape: Shape): Values {
  const width = shape.at(-1) ?? 1;
  const codes = draw.whole(shape, -126, 127).elements;
  const shares = draw.uniform(shape, -0.4, 0.4, 'f32').elements;
  const scales = draw.uniform(shape, 0.2, 3, 'f32').elements;
  const elements = codes.map((code, i) => {
    const largest = scales[Math.floor(i / width)]!;
    return i % width === 0 ? largest : ((code + shares[i]!) * largest) / 127;
  });
  return draw.floats(shape, elements);
}

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

const NONE = { int8: false, ste: true, normalize: false, epsilon: 1e-6 };
const MODES: readonly (readonly [name: string, mode: Omit<SparsifyAttrs, 'k' | 'block'>])[] = [
  ['masked gradient', { ...NONE, ste: false }],
  ['int8, masked gradient', { ...NONE, ste: false, int8: true }],
  ['norm', { ...NONE, normalize: true }],
  ['norm, int8', { ...NONE, normalize: true, int8: true }],
  ['norm, masked gradient', { ...NONE, normalize: true, ste: false }],
];

export const sparsifyCases: CaseList<typeof sparsifyOp> = (draw) => [
  ...MODES.flatMap(([mode, attrs]) =>
    (attrs.normalize && attrs.int8 ? [...SELECTIONS, ...LARGE_SELECTIONS] : SELECTIONS).flatMap(
      ([shape, k, block]) => {
        const x = awayFromTies(draw, shape);
        const plain = {
          name: `${mode} ${shapes(shape)} k ${k} block ${block}`,
          ins: { x },
          attrs: { ...attrs, k, block },
        };
        if (!attrs.normalize) return [plain];
        // A power of two as weight moves no code across a tie.
        const weight = draw.floats(shape.slice(-1), [0.5]);
        return [plain, { ...plain, name: `${plain.name} with weight`, ins: { x, weight } }];
      },
    ),
  ),
  ...MODES.flatMap(([mode, attrs]) =>
    [...TIES, ...BROKEN].map(([name, row]) => ({
      name: `${mode}: ${name}`,
      ins: { x: draw.floats([2, 8], row) },
      attrs: { ...attrs, k: 3, block: 0 },
    })),
  ),
];

export const sparsifyStraightThroughCases: CaseList<typeof sparsifyStraightThroughOp> = (draw) => [
  ...[false, true].flatMap((int8) =>
    (int8 ? [...SELECTIONS, ...LARGE_SELECTIONS] : SELECTIONS).map(([shape, k, block]) => ({
      name: `${int8 ? 'int8 ' : ''}${shapes(shape)} k ${k} block ${block}`,
      ins: { x: awayFromTies(draw, shape) },
      attrs: { ...NONE, int8, k, block },
    })),
  ),
  ...[...TIES, ...BROKEN].map(([name, row]) => ({
    name,
    ins: { x: draw.floats([2, 8], row) },
    attrs: { ...NONE, k: 3, block: 0 },
  })),
];

/** Weights whose share of their mean magnitude is not within 0.01 of the tie at one half. */
function ternaryWeights(draw: Draw, shape: Shape): Values {
  const { elements } = draw.normal(shape, { scale: 0.05 });
  let values = draw.floats(shape, elements);
  for (let round = 0; round < 20; round++) {
    const mean = values.elements.reduce((sum, w) => sum + Math.abs(w), 0) / values.elements.length;
    values = draw.floats(
      shape,
      values.elements.map((w) => (Math.abs(Math.abs(w) / mean - 0.5) < 0.01 ? w * 0.9 : w)),
    );
  }
  return values;
}

export const ternarizeCases: CaseList<typeof ternarizeOp> = (draw) => [
  ...([[1], [3], [5, 7], [33, 1], [67, 301]] as const).map((shape) => ({
    name: shapes(shape),
    ins: { w: ternaryWeights(draw, shape) },
    attrs: null,
  })),
  {
    name: 'ties to even',
    ins: { w: draw.floats([3, 4], [1, -1, 0.5, -0.5, 1.5, 2, 0.5, -0.5, 1, 1.5, -1, 1]) },
    attrs: null,
  },
  { name: 'zeros', ins: { w: draw.floats([9], [0]) }, attrs: null },
  { name: 'below the smallest scale', ins: { w: draw.floats([8], [1e-6, -3e-6, 0, 9e-6]) }, attrs: null },
  { name: 'a NaN', ins: { w: draw.floats([9], [1, NaN, 2]) }, attrs: null },
  { name: 'an infinity', ins: { w: draw.floats([9], [1, Infinity, 2]) }, attrs: null },
];

/** Cases of the ops that work element by element. */
import type {
  accumulateOp,
  BinaryKind,
  binaryOp,
  GatedActivationAttrs,
  gatedActivationBackwardOp,
  gatedActivationOp,
  Shape,
  scaleOp,
  UnaryKind,
  unaryBackwardOp,
  unaryOp,
} from '@qsparse/core';
import { type Draw, SPECIAL, shapes } from '../draw.ts';
import type { CaseList, Values } from '../op-case.ts';

/** One element, around the width of a vector, more than one thread's worth; ranks 0 to 3. */
const SIZES: readonly Shape[] = [[], [1], [3], [4], [7], [2, 5], [17, 3, 5], [129, 257]];

const SUFFIXES: readonly (readonly [a: Shape, b: Shape])[] = [
  [[1], [1]],
  [[7], [7]],
  [[5], []],
  [[3, 5], [1]],
  [[4, 3], [3]],
  [[9, 2], [2]],
  [[2, 3, 5], [3, 5]],
  [[6, 131], [131]],
  [[129, 257], [129, 257]],
  [[301, 111], [111]],
];

const BINARY: readonly BinaryKind[] = ['add', 'subtract', 'multiply', 'divide'];

export const binaryCases: CaseList<typeof binaryOp> = (draw) => [
  ...BINARY.flatMap((kind) =>
    SUFFIXES.map(([a, b]) => ({
      name: `${kind} ${shapes(a, b)}`,
      ins: { a: draw.normal(a), b: draw.awayFromZero(b) },
      attrs: { kind },
    })),
  ),
  ...BINARY.map((kind) => ({
    name: `${kind} of special numbers`,
    ins: {
      a: draw.floats([SPECIAL.length ** 2], SPECIAL),
      b: draw.floats(
        [SPECIAL.length ** 2],
        SPECIAL.flatMap((number) => SPECIAL.map(() => number)),
      ),
    },
    attrs: { kind },
  })),
];

const UNARY: readonly UnaryKind[] = [
  ...(['negate', 'exp', 'log', 'sqrt', 'square', 'reciprocal', 'absolute'] as const),
  ...(['relu', 'squared-relu', 'silu', 'gelu'] as const),
];

/** Where the function and its derivative are tame, and no kink is near. */
function pointsFor(draw: Draw, kind: UnaryKind, shape: Shape): Values {
  return kind === 'log' || kind === 'sqrt' ? draw.uniform(shape, 0.1, 4) : draw.awayFromZero(shape);
}

/** Far from 0: saturated, but with finite results. */
const FAR: readonly number[] = [-80, -30, -9.5, -5, -3, -0.01, 0, -0, 0.01, 3, 5, 9.5, 30, 80, Number.NaN];

export const unaryCases: CaseList<typeof unaryOp> = (draw) => [
  ...UNARY.flatMap((kind) =>
    SIZES.map((shape) => ({
      name: `${kind} ${shapes(shape)}`,
      ins: { x: pointsFor(draw, kind, shape) },
      attrs: { kind },
    })),
  ),
  // One number a case: a single overflow would loosen the tolerance of its neighbours.
  ...UNARY.flatMap((kind) =>
    [...FAR, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((number) => ({
      name: `${kind} of ${Object.is(number, -0) ? '-0' : number}`,
      ins: { x: draw.floats([5], [number]) },
      attrs: { kind },
    })),
  ),
];

export const unaryBackwardCases: CaseList<typeof unaryBackwardOp> = (draw) => [
  ...UNARY.flatMap((kind) =>
    SIZES.map((shape) => ({
      name: `${kind} ${shapes(shape)}`,
      ins: { x: pointsFor(draw, kind, shape), dy: draw.normal(shape) },
      attrs: { kind },
    })),
  ),
  ...UNARY.flatMap((kind) =>
    FAR.map((number) => ({
      name: `${kind} at ${Object.is(number, -0) ? '-0' : number}`,
      ins: { x: draw.floats([5], [number]), dy: draw.floats([5], [1, -2, 0.5, 0, Number.NaN]) },
      attrs: { kind },
    })),
  ),
];

export const scaleCases: CaseList<typeof scaleOp> = (draw) =>
  [0, 1, -1.5, 1e-3].flatMap((factor) =>
    SIZES.map((shape) => ({
      name: `${factor} times ${shapes(shape)}`,
      ins: { x: shape.length === 1 ? draw.floats(shape, SPECIAL) : draw.normal(shape) },
      attrs: { factor },
    })),
  );

export const accumulateCases: CaseList<typeof accumulateOp> = (draw) => [
  ...SIZES.map((shape) => ({
    name: shapes(shape),
    ins: { into: draw.normal(shape), x: draw.normal(shape) },
    attrs: null,
  })),
  { name: 'another shape', ins: { into: draw.normal([6]), x: draw.normal([2, 3]) }, attrs: null },
  {
    name: 'special numbers',
    ins: { into: draw.normal([11]), x: draw.floats([11], SPECIAL) },
    attrs: null,
  },
];

const GATED: readonly GatedActivationAttrs['kind'][] = ['squared-relu', 'silu', 'gelu'];

export const gatedActivationCases: CaseList<typeof gatedActivationOp> = (draw) =>
  GATED.flatMap((kind) =>
    SIZES.map((shape) => ({
      name: `${kind} ${shapes(shape)}`,
      ins: { gate: draw.awayFromZero(shape), up: draw.normal(shape) },
      attrs: { kind },
    })),
  );

export const gatedActivationBackwardCases: CaseList<typeof gatedActivationBackwardOp> = (draw) =>
  GATED.flatMap((kind) =>
    SIZES.map((shape) => ({
      name: `${kind} ${shapes(shape)}`,
      ins: { gate: draw.awayFromZero(shape), up: draw.normal(shape), dy: draw.normal(shape) },
      attrs: { kind },
    })),
  );

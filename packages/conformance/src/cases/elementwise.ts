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
import { DEFAULT_TOLERANCE, type Tolerance } from '../tolerance.ts';

/** One element, and around the width of a vector; ranks 0 to 3. */
const SMALL: readonly Shape[] = [[], [1], [3], [7], [2, 5], [17, 3, 5]];
/** More than one thread's worth. */
const LARGE: Shape = [67, 301];

const SUFFIXES: readonly (readonly [a: Shape, b: Shape])[] = [
  [[1], [1]],
  [[7], [7]],
  [[5], []],
  [[3, 5], [1]],
  [[9, 2], [2]],
  [
    [2, 3, 5],
    [3, 5],
  ],
  [[3, 131], [131]],
];
const LARGE_SUFFIXES: typeof SUFFIXES = [
  [LARGE, LARGE],
  [LARGE, [301]],
  [LARGE, []],
  [[4001, 5], [5]],
];

const BINARY: readonly BinaryKind[] = ['add', 'subtract', 'multiply', 'divide'];

export const binaryCases: CaseList<typeof binaryOp> = (draw) => [
  ...BINARY.flatMap((kind) =>
    (kind === 'add' ? [...SUFFIXES, ...LARGE_SUFFIXES] : SUFFIXES).map(([a, b]) => ({
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
    forwardOnly: true,
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

const sizesFor = (kind: UnaryKind): readonly Shape[] => (kind === 'silu' ? [...SMALL, LARGE] : SMALL);

/** Kinks, and far from 0: saturated, but with finite results. */
const FAR: readonly number[] = [-80, -30, -9.5, -5, -3, -0.01, 0, -0, 0.01, 3, 5, 9.5, 30, 80, Number.NaN];

/** A large number must not loosen what is allowed for a small one. */
const each = (draw: Draw): Tolerance => ({
  relative: 2 * DEFAULT_TOLERANCE[draw.dtype].relative,
  absolute: 0,
});

export const unaryCases: CaseList<typeof unaryOp> = (draw) => [
  ...UNARY.flatMap((kind) =>
    sizesFor(kind).map((shape) => ({
      name: `${kind} ${shapes(shape)}`,
      ins: { x: pointsFor(draw, kind, shape) },
      attrs: { kind },
    })),
  ),
  ...UNARY.map((kind) => ({
    name: `${kind} of special numbers`,
    ins: { x: draw.floats([FAR.length + 2], [...FAR, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) },
    attrs: { kind },
    accuracy: each(draw),
  })),
];

export const unaryBackwardCases: CaseList<typeof unaryBackwardOp> = (draw) => [
  ...UNARY.flatMap((kind) =>
    sizesFor(kind).map((shape) => ({
      name: `${kind} ${shapes(shape)}`,
      ins: { x: pointsFor(draw, kind, shape), dy: draw.normal(shape) },
      attrs: { kind },
    })),
  ),
  ...UNARY.map((kind) => ({
    name: `${kind} of special numbers`,
    ins: {
      x: draw.floats(
        [FAR.length, 5],
        FAR.flatMap((number) => Array<number>(5).fill(number)),
      ),
      dy: draw.floats([FAR.length, 5], [1, -2, 0.5, 0, Number.NaN]),
    },
    attrs: { kind },
    accuracy: each(draw),
  })),
];

export const scaleCases: CaseList<typeof scaleOp> = (draw) => [
  ...[...SMALL, LARGE].map((shape) => ({
    name: shapes(shape),
    ins: { x: draw.normal(shape) },
    attrs: { factor: -1.5 },
  })),
  ...[0, 1, 1e-3, 0.1].map((factor) => ({
    name: `special numbers times ${factor}`,
    ins: { x: draw.floats([SPECIAL.length], SPECIAL) },
    attrs: { factor },
  })),
];

export const accumulateCases: CaseList<typeof accumulateOp> = (draw) => [
  ...[...SMALL, LARGE].map((shape) => ({
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
  ...[...SMALL, LARGE].map((shape) => ({
    name: `bf16 into f32 ${shapes(shape)}`,
    ins: { into: draw.normal(shape, { dtype: 'f32' }), x: draw.normal(shape, { dtype: 'bf16' }) },
    attrs: null,
  })),
  {
    name: 'bf16 into f32, special numbers',
    ins: { into: draw.normal([11], { dtype: 'f32' }), x: draw.floats([11], SPECIAL, 'bf16') },
    attrs: null,
  },
];

const GATED: readonly GatedActivationAttrs['kind'][] = ['squared-relu', 'silu', 'gelu'];

export const gatedActivationCases: CaseList<typeof gatedActivationOp> = (draw) =>
  GATED.flatMap((kind) =>
    sizesFor(kind).map((shape) => ({
      name: `${kind} ${shapes(shape)}`,
      ins: { gate: draw.awayFromZero(shape), up: draw.normal(shape) },
      attrs: { kind },
    })),
  );

export const gatedActivationBackwardCases: CaseList<typeof gatedActivationBackwardOp> = (draw) =>
  GATED.flatMap((kind) =>
    sizesFor(kind).map((shape) => ({
      name: `${kind} ${shapes(shape)}`,
      ins: { gate: draw.awayFromZero(shape), up: draw.normal(shape), dy: draw.normal(shape) },
      attrs: { kind },
    })),
  );

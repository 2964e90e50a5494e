/** Cases of gated-sparsify and its gradient. What sparsify.ts says of roundings and comparisons holds here too. */
import type { GatedActivationAttrs, Shape } from '@qsparse/core';
import {
  type GatedSparsifyAttrs,
  type gatedSparsifyBackwardOp,
  gatedSparsifyOp,
  type SparsifyAttrs,
} from '@qsparse/quantizers';
import { type Draw, forward, shapes } from '../draw.ts';
import type { CaseList, Values } from '../op-case.ts';
import { cancelling } from '../tolerance.ts';
import { BROKEN, LARGE_SELECTIONS, SELECTIONS, TIES } from './selections.ts';
import { settledRows } from './settled.ts';
import { MODES, nearOne } from './sparsify.ts';

type Kind = GatedActivationAttrs['kind'];
const KINDS: readonly Kind[] = ['squared-relu', 'silu', 'gelu'];

const PLAIN = { int8: false, ste: true, normalize: false, epsilon: 1e-6 };
const ALL_MODES: typeof MODES = [['straight through', PLAIN], ...MODES];
/** What a model with 8-bit activations runs. */
const QUANTIZED: SparsifyAttrs = { ...PLAIN, int8: true, normalize: true, k: 1, block: 0 };

/** [..., 2f] of [..., f]. */
const doubled = (shape: Shape): Shape => [...shape.slice(0, -1), 2 * shape.at(-1)!];

const SMALL: typeof SELECTIONS = [
  [[2, 3, 33], 13, 0],
  [[4, 16], 2, 4],
  [[2, 64], 25, 32],
];

type Case = ReturnType<CaseList<typeof gatedSparsifyOp>>[number];

/** A case of settled rows; `weight` names the dtype of the norm's weight, `x` that of x. */
function settledCase(
  draw: Draw,
  [shape, k, block]: (typeof SELECTIONS)[number],
  [mode, own, kind]: readonly [mode: string, own: Omit<SparsifyAttrs, 'k' | 'block'>, kind: Kind],
  { x: dtype = draw.dtype, weight }: { x?: Draw['dtype']; weight?: Draw['dtype'] } = {},
): Case {
  const attrs = { ...own, kind, k, block };
  const norm = weight && draw.uniform(shape.slice(-1), 0.5, 1.5, weight);
  const x = settledRows(draw, doubled(shape), attrs, norm, (row) => draw.normal(row, { dtype }));
  const name = `${kind}, ${mode} ${shapes(shape)} k ${k} block ${block}`;
  return {
    name: norm ? `${name}, weight ${weight}` : name,
    ins: { x, ...(norm && { weight: norm }) },
    attrs,
    // A row of one entry is all along itself: what is left of its gradient is a difference.
    ...(own.normalize && shape.at(-1) === 1 && { accuracy: cancelling(dtype) }),
  };
}

/** Rows [gate | up] of h = up: the squared ReLU of 1 is 1. */
const gatedByOne = (draw: Draw, row: readonly number[]): Values =>
  draw.floats([2, 16], [...Array(8).fill(1), ...row.slice(0, 8), ...Array(8).fill(1), ...row.slice(-8)]);

const filled = (row: readonly number[]): readonly number[] =>
  Array.from({ length: 16 }, (_, i) => row[i % row.length]!);

export const gatedSparsifyCases: CaseList<typeof gatedSparsifyOp> = (draw) => [
  ...KINDS.flatMap((kind) =>
    ALL_MODES.flatMap(([mode, own]) =>
      SMALL.flatMap((selection) => {
        const plain = settledCase(draw, selection, [mode, own, kind]);
        if (!own.normalize) return [plain];
        return [plain, settledCase(draw, selection, [mode, own, kind], { weight: draw.dtype })];
      }),
    ),
  ),
  ...[...SELECTIONS, ...LARGE_SELECTIONS].map((selection) =>
    settledCase(draw, selection, ['norm, int8 too', QUANTIZED, 'squared-relu'], { weight: draw.dtype }),
  ),
  // Keeping everything: nothing is left but the activation.
  ...KINDS.flatMap((kind) =>
    ([[1], [7], [5, 1], [2, 3, 33], [35, 520]] as const).map((shape) => ({
      name: `${kind}, all of ${shapes(shape)}`,
      ins: { x: draw.normal(doubled(shape)) },
      attrs: { ...PLAIN, kind, k: shape.at(-1)!, block: 0 },
    })),
  ),
  // An f32 parameter beside bf16 activations.
  ...KINDS.flatMap((kind) =>
    [...SMALL, [[5, 260], 104, 0] as const, [[1, 1024], 8, 32] as const].map((selection) => {
      const types = { x: 'bf16', weight: 'f32' } as const;
      const one = settledCase(draw, selection, ['norm, int8', QUANTIZED, kind], types);
      return { ...one, name: `bf16 ${one.name}` };
    }),
  ),
  ...KINDS.map((kind) => {
    const one = settledCase(draw, [[3, 700], 280, 0], ['wide', PLAIN, kind], { x: 'bf16' });
    return { ...one, name: `bf16 ${one.name}` };
  }),
  ...roundingTies(draw),
  ...ALL_MODES.flatMap(([mode, own]) =>
    [...TIES, ...BROKEN].map(([name, row]) => ({
      name: `${mode}: ${name}`,
      ins: { x: gatedByOne(draw, filled(row)) },
      attrs: { ...own, kind: 'squared-relu', k: 3, block: 0 } as const,
    })),
  ),
  ...KINDS.map((kind) => ({
    name: `${kind}, NaN and infinity in the gate`,
    ins: { x: draw.floats([3, 6], [1, NaN, 2, 1, 1, 1, 3, 2, 1, 4, 5, 6, 1, 2, Infinity, 1, 2, 3]) },
    attrs: { ...QUANTIZED, kind, k: 2 },
  })),
  ...KINDS.map((kind) => ({
    name: `${kind}, a NaN stays where it is when all is kept`,
    ins: { x: draw.floats([2, 10], [1, 2, NaN, -1, 3, 1, 2, 1, NaN, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) },
    attrs: { ...PLAIN, kind, k: 5, block: 0 },
  })),
];

/** Products that differ in float32, and not in bf16, the larger ones last: ties, of which the first ones stay. */
function roundingTies(draw: Draw): readonly Case[] {
  const [rows, width] = [2, 36];
  // (1 + 1/128)² = 1 + 1/64 + 2^-14 beside 1 + 1/64, which bf16 holds.
  const gates = Array.from({ length: width }, (_, i) => (i < width / 2 ? 1 : 1 + 2 ** -7));
  const ups = Array.from({ length: width }, (_, i) => (i % 3 ? 1 : -1) * (i < width / 2 ? 1 + 2 ** -6 : 1));
  return ALL_MODES.flatMap(([mode, own]) =>
    [0, 12].map((block) => ({
      name: `bf16 ${mode}: ties by rounding, block ${block}`,
      ins: {
        x: draw.floats([rows, 2 * width], [...gates, ...ups], 'bf16'),
        ...(own.normalize && { weight: nearOne(draw, width) }),
      },
      attrs: { ...own, kind: 'squared-relu', k: 5, block },
    })),
  );
}

export const gatedSparsifyBackwardCases: CaseList<typeof gatedSparsifyBackwardOp> = (draw) => {
  type Parts = Readonly<Partial<Record<'weight' | 'intoWeight', Draw['dtype']>>>;
  const make = (shape: Shape, kind: Kind, normalize: boolean, parts: Parts, dtype = draw.dtype) => {
    const attrs: GatedSparsifyAttrs = { ...PLAIN, normalize, kind, k: shape.at(-1)!, block: 0 };
    const weight = parts.weight && draw.uniform(shape.slice(-1), 0.5, 1.5, parts.weight);
    const drawRow = (row: Shape) => draw.normal(row, { dtype });
    const wanted = doubled(shape);
    const x = dtype === 'bf16' ? settledRows(draw, wanted, attrs, weight, drawRow) : drawRow(wanted);
    const outs = forward(gatedSparsifyOp, { x, ...(weight && { weight }) }, attrs);
    const names = [`${kind} ${shapes(shape)}`, ...Object.entries(parts).map((part) => part.join(' '))];
    return {
      name: (normalize ? [...names, 'norm'] : names).join(', '),
      ins: {
        ...{ dy: draw.normal(shape, { dtype }), x },
        ...(normalize && { inverseRms: outs.inverseRms! }),
        ...(weight && { weight }),
        ...(parts.intoWeight && { intoWeight: draw.normal(shape.slice(-1), { dtype: parts.intoWeight }) }),
      },
      attrs: { kind },
      accuracy: cancelling(dtype),
    };
  };
  const own = draw.dtype;
  return [
    ...KINDS.flatMap((kind) =>
      ([[1], [5, 1], [3, 7], [2, 3, 33], [70, 24], [35, 520]] as const).flatMap((shape) => {
        return [
          make(shape, kind, false, {}),
          make(shape, kind, true, {}),
          make(shape, kind, true, { weight: own }),
          make(shape, kind, true, { weight: own, intoWeight: own }),
        ];
      }),
    ),
    ...KINDS.flatMap((kind) =>
      (
        [
          [3, 7],
          [70, 24],
          [7, 260],
        ] as const
      ).flatMap((shape) =>
        (
          [
            { weight: 'f32' },
            { weight: 'f32', intoWeight: 'f32' },
            { weight: 'bf16', intoWeight: 'f32' },
          ] as const
        ).map((parts) => {
          const one = make(shape, kind, true, parts, 'bf16');
          return { ...one, name: `bf16 ${one.name}` };
        }),
      ),
    ),
  ];
};

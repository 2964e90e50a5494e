/**
 * Cases of sparsify. Where a rounding or a comparison decides, inputs keep away from ties, or are ties that float32
 * holds exactly: a device that computes in float32 has no other way to agree with float64.
 */
import type { SparsifyAttrs, sparsifyOp, sparsifyStraightThroughOp } from '@qsparse/quantizers';
import { type Draw, shapes } from '../draw.ts';
import type { CaseList, Values } from '../op-case.ts';
import { awayFromTies, BROKEN, LARGE_SELECTIONS, SELECTIONS, TIES } from './selections.ts';
import { settledRows } from './settled.ts';

const NONE = { int8: false, ste: true, normalize: false, epsilon: 1e-6 };
export const MODES: readonly (readonly [name: string, mode: Omit<SparsifyAttrs, 'k' | 'block'>])[] = [
  ['masked gradient', { ...NONE, ste: false }],
  ['int8, masked gradient', { ...NONE, ste: false, int8: true }],
  ['norm', { ...NONE, normalize: true }],
  ['norm, int8', { ...NONE, normalize: true, int8: true }],
  ['norm, masked gradient', { ...NONE, normalize: true, ste: false }],
];

/** Weights that differ by less than bf16 can tell, the larger ones last. */
export const nearOne = (draw: Draw, width: number): Values =>
  draw.floats(
    [width],
    Array.from({ length: width }, (_, i) => 1 + i / 2 ** 15),
    'f32',
  );

export const sparsifyCases: CaseList<typeof sparsifyOp> = (draw) => [
  ...MODES.flatMap(([mode, own]) =>
    (own.normalize && own.int8 ? [...SELECTIONS, ...LARGE_SELECTIONS] : SELECTIONS).flatMap(
      ([shape, k, block]) => {
        const attrs = { ...own, k, block };
        const name = `${mode} ${shapes(shape)} k ${k} block ${block}`;
        const drawn = (weight?: Values) =>
          settledRows(draw, shape, attrs, weight, (row) => awayFromTies(draw, row));
        const plain = { name, ins: { x: drawn() }, attrs };
        if (!attrs.normalize) return [plain];
        const weight = draw.uniform(shape.slice(-1), 0.5, 1.5);
        return [plain, { name: `${name} with weight`, ins: { x: drawn(weight), weight }, attrs }];
      },
    ),
  ),
  // An f32 parameter beside bf16 activations.
  ...MODES.filter(([, { normalize }]) => normalize).flatMap(([mode, own]) =>
    [...SELECTIONS, [[5, 520], 208, 0] as const, [[2, 1024], 8, 32] as const].map(([shape, k, block]) => {
      const attrs = { ...own, k, block };
      const weight = draw.uniform(shape.slice(-1), 0.5, 1.5, 'f32');
      const x = settledRows(draw, shape, attrs, weight, (row) => draw.normal(row, { dtype: 'bf16' }));
      const name = `bf16 ${mode} ${shapes(shape)} k ${k} block ${block} with an f32 weight`;
      return { name, ins: { x, weight }, attrs };
    }),
  ),
  // Equal numbers times weights that bf16 cannot tell apart: ties, of which the first ones stay.
  ...MODES.filter(([, { normalize }]) => normalize).flatMap(([mode, own]) =>
    [0, 12].map((block) => ({
      name: `bf16 ${mode}: ties by rounding, block ${block}`,
      ins: { x: draw.floats([2, 36], [1.5, -1.5, 1.5], 'bf16'), weight: nearOne(draw, 36) },
      attrs: { ...own, k: 5, block },
    })),
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

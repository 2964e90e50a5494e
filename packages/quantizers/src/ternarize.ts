/** Ternary rounding of weight matrices as an op, in floating point. The integers themselves come from encode.ts. */
import {
  DTypeError,
  type Op,
  requireFloat,
  run,
  ShapeError,
  showShape,
  type Tensor,
  ValueError,
} from '@qsparse/core';
import { absoluteMean } from './encode.ts';
import { isFiniteRow } from './finite.ts';
import { roundWithin } from './rounding.ts';

export interface TernarizeAttrs {
  /** Rows (of the first dimension) of each section; they add up to all. Empty: everything is one section. */
  readonly sections: readonly number[];
  /** Of y: w's, or bf16. */
  readonly dtype: 'f32' | 'bf16';
}

/**
 * For each section of w: alpha = mean|w|, at least 1e-5; y = alpha · round(w / alpha), ties to even, within ±1 before
 * scaling. The gradient passes straight through. With a NaN or an infinity anywhere in a section, its y and alpha are
 * NaN. alpha is [], or [sections], f32; y in bf16 is the rounded product with that alpha.
 */
export const ternarizeOp: Op<'w', 'y' | 'alpha', TernarizeAttrs> = {
  name: 'ternarize',
  infer({ w }, { sections, dtype }) {
    const own = requireFloat('ternarize', { w });
    if (dtype !== own && dtype !== 'bf16') {
      throw new DTypeError(
        'ternarize',
        `y must be ${own === 'bf16' ? 'bf16, as w is' : 'f32 or bf16'}, got ${dtype}`,
        'use cast()',
      );
    }
    requireSections(sections, w.shape);
    const alpha = sections.length === 0 ? [] : [sections.length];
    return { y: { dtype, shape: w.shape }, alpha: { dtype: 'f32', shape: alpha } };
  },
  reference({ w }, { y, alpha }, { sections }, types) {
    const rows = types.w.shape[0] ?? 1;
    let first = 0;
    (sections.length === 0 ? [rows] : sections).forEach((count, i) => {
      const last = first + (w.length / rows) * count;
      const section = w.subarray(first, last);
      const scale = isFiniteRow(section, 0, section.length) ? absoluteMean(section) : Number.NaN;
      alpha[i] = scale;
      for (let at = first; at < last; at++) y[at] = scale * roundWithin(w[at]! / scale, -1, 1);
      first = last;
    });
  },
  vjp: { identity: 'w' },
};

function requireSections(sections: readonly number[], shape: readonly number[]): void {
  if (sections.length === 0) return;
  for (const rows of sections) {
    if (Number.isInteger(rows) && rows >= 1) continue;
    throw new ValueError('ternarize', `a section must be a whole number of at least 1 rows, got ${rows}`);
  }
  const rows = sections.reduce((sum, count) => sum + count, 0);
  if (rows === shape[0]) return;
  throw new ShapeError(
    'ternarize',
    `sections must add up to the rows of w, ${sections.join(' + ')} = ${rows} for w ${showShape(shape)}`,
  );
}

export interface TernarizeOptions extends Partial<TernarizeAttrs> {}

export interface Ternarized {
  /** w's shape; every element is -alpha, 0 or alpha of its section. */
  readonly y: Tensor;
  /** Shape [], or [sections]; f32, without a gradient. */
  readonly alpha: Tensor;
}

/**
 * Rounds w (any shape, f32 or bf16) to three values; the gradient of y goes to w unchanged, so that bf16 products add
 * it up in an f32 parameter. `sections` are rows of matrices that lie one behind the other in w, each with an alpha of
 * its own (default: one for everything); `dtype` is y's (default: w's; bf16 for f32 weights in bf16 products).
 * Source: Q-Sparse (arXiv 2407.10969) §2.2, with its ε as a lower bound of alpha.
 *
 * @throws ShapeError for sections that do not add up to w's rows, ValueError for an empty one, DTypeError.
 */
export function ternarize(w: Tensor, options: TernarizeOptions = {}): Ternarized {
  // A dtype that is no float is refused with w's own name.
  const { sections = [], dtype = w.dtype as TernarizeAttrs['dtype'] } = options;
  return run(ternarizeOp, { w }, { sections, dtype });
}

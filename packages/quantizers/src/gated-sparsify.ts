/**
 * The middle of a gated feed-forward and the site behind it, as one op: with gate and up the halves of x's rows,
 * h = act(gate) · up, and then what `sparsify` does with h. So the wide h is never written when it is dense.
 *
 * In bf16 one answer is right, the composite's: h is rounded to bf16, then the norm's result is, and what follows sees
 * the rounded numbers, as sparsify.ts says.
 */
import {
  type FusedOp,
  type GatedActivationAttrs,
  gatedActivation,
  multiply,
  onlyGradient,
  requireFloat,
  requireGated,
  rmsNorm,
  run,
  type Tensor,
  type Type,
} from '@qsparse/core';
import {
  type GatedSparsifyAttrs,
  gatedRows,
  gatedShape,
  gatedSparsifyBackwardOp,
  split,
} from './gated-sparsify-backward.ts';
import { select } from './select.ts';
import { sparsifyOp } from './sparsify.ts';
import { keepsEverything, type SparsifyOptions, sparsifyAttrs, sparsifyTypes } from './sparsify-attrs.ts';

/**
 * x [..., 2f] (f32 or bf16), gate then up; weight [f] of x's dtype or f32. y [..., f] and, when `normalize`,
 * inverseRms [rows]. Keeping all without int8 and norm is the plain gated activation: there a NaN or an infinity stays
 * where it is; otherwise it makes its row NaN.
 */
export const gatedSparsifyOp: FusedOp<'x', 'y' | 'inverseRms', GatedSparsifyAttrs, 'weight'> = {
  name: 'gated-sparsify',
  infer({ x, weight }, attrs) {
    const dtype = requireFloat('gated-sparsify', { x });
    const h: Type = { dtype, shape: gatedShape('gated-sparsify', x.shape) };
    requireGated('gated-sparsify', h, h, attrs);
    return sparsifyTypes('gated-sparsify', h, weight, attrs);
  },
  reference({ x, weight }, { y, inverseRms }, attrs, types) {
    const h = gatedRows(x, types.y, attrs);
    if (isPlain(attrs, types.y)) y.set(h);
    else sparsifyOp.reference({ x: h, weight }, { y, inverseRms }, attrs, { ...types, x: types.y });
  },
  vjp: {
    save: ['x', 'weight', 'inverseRms'],
    pull({ d, saved, types, attrs, into }) {
      const { x, weight, inverseRms } = saved as { x: Tensor; weight?: Tensor; inverseRms?: Tensor };
      const dy = onlyGradient('gated-sparsify', d, 'y');
      const dh = attrs.ste || isPlain(attrs, types.y) ? dy : multiply(dy, maskOf(x, weight, attrs));
      const { dx, dWeight } = run(
        gatedSparsifyBackwardOp,
        { dy: dh, x, weight, inverseRms, intoWeight: into('weight') },
        { kind: attrs.kind },
      );
      return { x: dx, ...(weight && { weight: dWeight }) };
    },
  },
  composite({ x, weight }, attrs) {
    const { gate, up } = split(x);
    const h = gatedActivation(gate, up, attrs.kind);
    return isPlain(attrs, h)
      ? ({ y: h } as Record<'y' | 'inverseRms', Tensor>)
      : run(sparsifyOp, { x: h, weight }, attrs);
  },
};

const isPlain = (attrs: GatedSparsifyAttrs, { shape }: Type): boolean =>
  !attrs.normalize && keepsEverything(attrs, shape.at(-1)!);

/** Which entries of h were kept, from x again. */
function maskOf(x: Tensor, weight: Tensor | undefined, attrs: GatedSparsifyAttrs): Tensor {
  const { gate, up } = split(x);
  const h = gatedActivation(gate, up, attrs.kind);
  return select(attrs.normalize ? rmsNorm(h, weight, attrs) : h, attrs);
}

export interface GatedSparsifyOptions extends SparsifyOptions {
  /** The activation of the gate. */
  readonly kind: GatedActivationAttrs['kind'];
}

/**
 * y [..., f]: h = act(gate) · up of x [..., 2f] (f32 or bf16; the gate's f entries, then those of up), then as
 * `sparsify(h, options)`: normalised if asked, all but exactly k entries of each row (or block) set to zero, what stays
 * rounded to int8 levels if asked. k, keep and block count entries of h; weight is [f].
 *
 * @throws ShapeError for rows of odd length, ValueError for another kind, and what `sparsify` throws.
 */
export function gatedSparsify(x: Tensor, options: GatedSparsifyOptions): Tensor {
  const width = gatedShape('gated-sparsify', x.shape).at(-1)!;
  const attrs = { ...sparsifyAttrs('gated-sparsify', options, width), kind: options.kind };
  return run(gatedSparsifyOp, { x, weight: options.weight }, attrs).y;
}

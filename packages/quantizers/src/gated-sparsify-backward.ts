/**
 * The gradients of gated-sparsify in one pass, from the gradient of what was selected from. With gate and up the halves
 * of x's rows and h = act(gate) · up: dh = dy, or dy through the norm as in rms-norm-backward; then
 * dGate = act'(gate) · up · dh and dUp = act(gate) · dh, side by side as x is.
 *
 * In bf16 h is rounded to bf16, as the forward pass did before it took inverseRms; no other intermediate is.
 */
import {
  asRows,
  concat,
  type FusedOp,
  type GatedActivationAttrs,
  gatedActivation,
  gatedActivationBackwardOp,
  gatedActivationOp,
  requireDType,
  requireF32Or,
  requireFloat,
  requireGated,
  requireRank,
  requireSameShape,
  rmsNormBackwardOp,
  roundTo,
  run,
  type Shape,
  ShapeError,
  showShape,
  slice,
  type Tensor,
  type Type,
} from '@qsparse/core';
import type { SparsifyAttrs } from './sparsify-attrs.ts';

export interface GatedSparsifyAttrs extends SparsifyAttrs, GatedActivationAttrs {}

const name = 'gated-sparsify-backward';

/**
 * dy [..., f], x [..., 2f]; inverseRms [rows] where the forward pass normed, else absent; weight [f] (x's dtype or f32)
 * where the norm had one. Gives dx [..., 2f], and dWeight when weight is there. With `intoWeight` (weight's dtype or
 * f32) adds to it in place.
 */
export const gatedSparsifyBackwardOp: FusedOp<
  'dy' | 'x',
  'dx' | 'dWeight',
  GatedActivationAttrs,
  'weight' | 'inverseRms' | 'intoWeight'
> = {
  name,
  inPlace: { dWeight: 'intoWeight' },
  infer({ dy, x, weight, inverseRms, intoWeight }, attrs) {
    const dtype = requireFloat(name, { dy, x });
    const h: Type = { dtype, shape: gatedShape(name, x.shape) };
    requireGated(name, h, h, attrs);
    requireSameShape(name, 'dy', dy.shape, h.shape);
    const { rows, width } = asRows(h.shape);
    if (inverseRms) {
      requireDType(name, 'inverseRms', inverseRms, 'f32');
      requireSameShape(name, 'inverseRms', inverseRms.shape, [rows]);
    } else if (weight) {
      throw new ShapeError(name, 'weight needs inverseRms, which is absent', 'pass both or neither');
    }
    requireF32Or(name, 'weight', weight, dtype);
    if (weight) requireSameShape(name, 'weight', weight.shape, [width]);
    if (intoWeight) {
      if (!weight)
        throw new ShapeError(name, 'intoWeight needs weight, which is absent', 'pass both or neither');
      requireF32Or(name, 'intoWeight', intoWeight, weight.dtype);
      requireSameShape(name, 'intoWeight', intoWeight.shape, weight.shape);
    }
    const outs: Partial<Record<'dx' | 'dWeight', Type>> = {
      dx: { dtype, shape: x.shape },
      ...(weight && { dWeight: { dtype: intoWeight?.dtype ?? weight.dtype, shape: weight.shape } }),
    };
    return outs as Record<'dx' | 'dWeight', Type>;
  },
  reference({ dy, x, weight, inverseRms, intoWeight }, { dx, dWeight }, attrs, types) {
    const { rows, width } = asRows(types.dy.shape);
    const { gate, up } = halves(x, width);
    const of = { gate: types.dy, up: types.dy, dy: types.dy };
    let dh = dy;
    if (inverseRms) {
      const h = gatedRows(x, types.dy, attrs);
      dh = new Float64Array(dy.length);
      const parts = { ...types, x: types.dy, inverseRms: types.inverseRms!, dx: types.dy };
      rmsNormBackwardOp.reference(
        { dy, x: h, weight, inverseRms, intoWeight },
        { dx: dh, dWeight },
        null,
        parts,
      );
    }
    const [dGate, dUp] = [new Float64Array(dy.length), new Float64Array(dy.length)];
    gatedActivationBackwardOp.reference({ gate, up, dy: dh }, { dGate, dUp }, attrs, {
      ...of,
      dGate: types.dy,
      dUp: types.dy,
    });
    for (let row = 0; row < rows; row++) {
      const mine = [row * width, (row + 1) * width] as const;
      dx.set(dGate.subarray(...mine), 2 * row * width);
      dx.set(dUp.subarray(...mine), (2 * row + 1) * width);
    }
  },
  composite({ dy, x, weight, inverseRms, intoWeight }, attrs) {
    const { gate, up } = split(x);
    const normed = inverseRms
      ? run(
          rmsNormBackwardOp,
          { dy, x: gatedActivation(gate, up, attrs.kind), weight, inverseRms, intoWeight },
          null,
        )
      : undefined;
    const { dGate, dUp } = run(gatedActivationBackwardOp, { gate, up, dy: normed?.dx ?? dy }, attrs);
    const outs = { dx: concat([dGate, dUp], -1), ...(weight && { dWeight: normed!.dWeight }) };
    return outs as Record<'dx' | 'dWeight', Tensor>;
  },
};

/** [..., f] of x [..., 2f]. */
export function gatedShape(where: string, x: Shape): Shape {
  requireRank(where, 'x', x, 1);
  if (x.at(-1)! % 2 !== 0) {
    throw new ShapeError(where, `x must have rows of 2f entries, gate then up, got ${showShape(x)}`);
  }
  return [...x.slice(0, -1), x.at(-1)! / 2];
}

/** gate and up [..., f], the halves of x [..., 2f], as tensors of their own. */
export function split(x: Tensor): { readonly gate: Tensor; readonly up: Tensor } {
  const width = x.shape.at(-1)! / 2;
  return { gate: slice(x, -1, 0, width), up: slice(x, -1, width, width) };
}

/** h = act(gate) · up of x's rows, rounded as memory of h's dtype holds it. */
export function gatedRows(x: Float64Array, h: Type, { kind }: GatedActivationAttrs): Float64Array {
  const rounded = new Float64Array(x.length / 2);
  const types = { gate: h, up: h, y: h };
  gatedActivationOp.reference(halves(x, h.shape.at(-1)!), { y: rounded }, { kind }, types);
  roundTo(h.dtype, rounded);
  return rounded;
}

function halves(x: Float64Array, width: number): Readonly<Record<'gate' | 'up', Float64Array>> {
  const [gate, up] = [new Float64Array(x.length / 2), new Float64Array(x.length / 2)];
  for (let row = 0; row < x.length / (2 * width); row++) {
    const first = 2 * row * width;
    gate.set(x.subarray(first, first + width), row * width);
    up.set(x.subarray(first + width, first + 2 * width), row * width);
  }
  return { gate, up };
}

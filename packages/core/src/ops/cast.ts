/**
 * Another dtype for the same numbers. To bf16: nearest, ties to even. To integers: truncated toward zero, then
 * held inside the range; NaN becomes 0. From integers: exact where the float can hold it, else nearest.
 * `castStraightThrough` is the same for a weight whose gradient stays in f32.
 */
import { type DType, fromBf16Bits, toBf16Bits } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import type { Tensor } from '../tensor.ts';

const CONVERSIONS: Readonly<Partial<Record<DType, (element: number) => number>>> = {
  f32: (element) => element,
  bf16: (element) => fromBf16Bits(toBf16Bits(element)),
  i32: (element) => truncate(element, 2 ** 31),
  i8: (element) => truncate(element, 128),
};

function truncate(element: number, limit: number): number {
  if (Number.isNaN(element)) return 0;
  // Adding 0 turns -0 into the integer 0.
  return Math.max(-limit, Math.min(limit - 1, Math.trunc(element))) + 0;
}

export const castOp: Op<'x', 'y', { readonly dtype: DType }> = {
  name: 'cast',
  moves: true,
  infer({ x }, { dtype }) {
    if (!(dtype in CONVERSIONS) || !(x.dtype in CONVERSIONS)) {
      throw new DTypeError('cast', `takes f32, bf16, i32 and i8, got ${x.dtype} to ${dtype}`);
    }
    if (x.dtype === dtype) {
      throw new DTypeError('cast', `dtypes must differ, x is ${dtype} already`, 'use copy()');
    }
    return { y: { dtype, shape: x.shape } };
  },
  reference({ x }, { y }, { dtype }) {
    const convert = CONVERSIONS[dtype]!;
    for (let i = 0; i < x.length; i++) y[i] = convert(x[i]!);
  },
  vjp: {
    save: [],
    // Only float outputs have gradients, so this is f32 to bf16 or back.
    pull: ({ d, types }) => ({ x: cast(d.y!, types.x.dtype) }),
  },
};

/**
 * The same op and kernel from f32 to bf16, with the identity as gradient: nothing runs, and a product that consumes y
 * adds its gradient straight into the f32 arena of the parameter x.
 */
export const castStraightThroughOp: Op<'x', 'y', { readonly dtype: 'f32' | 'bf16' }> = {
  ...castOp,
  infer({ x }, { dtype }) {
    if (x.dtype !== 'f32' || dtype !== 'bf16') {
      throw new DTypeError('cast', `straight through it takes f32 to bf16, got ${x.dtype} to ${dtype}`);
    }
    return { y: { dtype, shape: x.shape } };
  },
  vjp: { identity: 'x' },
};

/** x in another of f32, bf16, i32 and i8, rounded as the top of this file says; x itself when it has that dtype. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : run(castOp, { x }, { dtype }).y;
}

/**
 * x (f32) in bf16, whose gradient passes to x unchanged: a parameter adds it up in f32, whatever it came in; a value
 * that is none gets it back in f32. x itself when it has that dtype.
 */
export function castStraightThrough(x: Tensor, dtype: 'f32' | 'bf16'): Tensor {
  return x.dtype === dtype ? x : run(castStraightThroughOp, { x }, { dtype }).y;
}

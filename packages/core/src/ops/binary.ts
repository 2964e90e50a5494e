/**
 * y = a op b, element by element. b has the shape of a, or is a suffix of it (a scalar is) and then repeats
 * over the leading dimensions.
 */
import { ShapeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { isSuffix, showShape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { sumTo } from './reduce.ts';
import { requireFloat } from './require.ts';
import { scale } from './scale.ts';

export type BinaryKind = 'add' | 'subtract' | 'multiply' | 'divide';

const FORMULAS: Readonly<Record<BinaryKind, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
};

const SAVED: Readonly<Record<BinaryKind, readonly ('a' | 'b' | 'y')[]>> = {
  add: [],
  subtract: [],
  multiply: ['a', 'b'],
  divide: ['b', 'y'],
};

export const binaryOp: Op<'a' | 'b', 'y', { readonly kind: BinaryKind }> = {
  name: 'binary',
  infer({ a, b }, { kind }) {
    const dtype = requireFloat(kind, { a, b });
    if (sizeOf(b.shape) !== 1 && !isSuffix(b.shape, a.shape)) {
      throw new ShapeError(
        kind,
        `b must be a scalar or have the last dimensions of a ${showShape(a.shape)}, got ${showShape(b.shape)}`,
        'exchange the two or broadcast() one of them',
      );
    }
    return { y: { dtype, shape: a.shape } };
  },
  reference({ a, b }, { y }, { kind }) {
    const formula = FORMULAS[kind];
    for (let i = 0; i < y.length; i++) y[i] = formula(a[i]!, b[i % b.length]!);
  },
  vjp: {
    save: ({ kind }) => SAVED[kind],
    pull({ d, saved, types, attrs: { kind }, needs }) {
      const dy = d.y!;
      const ofB = (db: Tensor) => sumTo(db, types.b.shape);
      if (kind === 'add') return { ...(needs('a') && { a: dy }), ...(needs('b') && { b: ofB(dy) }) };
      if (kind === 'subtract') {
        return { ...(needs('a') && { a: dy }), ...(needs('b') && { b: scale(ofB(dy), -1) }) };
      }
      const { a, b, y } = saved as { a: Tensor; b: Tensor; y: Tensor };
      if (kind === 'multiply') {
        return {
          ...(needs('a') && { a: multiply(dy, b) }),
          ...(needs('b') && { b: ofB(multiply(dy, a)) }),
        };
      }
      // ∂(a/b)/∂b = -y/b.
      const da = divide(dy, b);
      return {
        ...(needs('a') && { a: da }),
        ...(needs('b') && { b: scale(ofB(multiply(da, y)), -1) }),
      };
    },
  },
};

/** a + b; b [...suffix of a's shape] repeats. f32 or bf16. */
export function add(a: Tensor, b: Tensor): Tensor {
  return run(binaryOp, { a, b }, { kind: 'add' }).y;
}

/** a - b; b [...suffix of a's shape] repeats. */
export function subtract(a: Tensor, b: Tensor): Tensor {
  return run(binaryOp, { a, b }, { kind: 'subtract' }).y;
}

/** a · b, element by element; b [...suffix of a's shape] repeats. */
export function multiply(a: Tensor, b: Tensor): Tensor {
  return run(binaryOp, { a, b }, { kind: 'multiply' }).y;
}

/** a / b, element by element; b [...suffix of a's shape] repeats. */
export function divide(a: Tensor, b: Tensor): Tensor {
  return run(binaryOp, { a, b }, { kind: 'divide' }).y;
}

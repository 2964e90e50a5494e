/** y = f(x), element by element: arithmetic and activations. NaN stays NaN in every kind. */
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import type { Tensor } from '../tensor.ts';
import { multiply } from './binary.ts';
import { requireFloat } from './require.ts';
import { scale } from './scale.ts';
import { GELU_CUBIC, GELU_SCALE, unaryBackward } from './unary-backward.ts';

export type UnaryKind =
  | 'negate'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'square'
  | 'reciprocal'
  | 'absolute'
  | 'relu'
  | 'squared-relu'
  | 'silu'
  | 'gelu';

/** f(x), in float64. */
export const UNARY_FORMULAS: Readonly<Record<UnaryKind, (x: number) => number>> = {
  negate: (x) => -x,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  square: (x) => x * x,
  reciprocal: (x) => 1 / x,
  absolute: Math.abs,
  relu: (x) => Math.max(x, 0),
  'squared-relu': (x) => Math.max(x, 0) ** 2,
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu: (x) => 0.5 * x * (1 + Math.tanh(GELU_SCALE * (x + GELU_CUBIC * x ** 3))),
};

export const unaryOp: Op<'x', 'y', { readonly kind: UnaryKind }> = {
  name: 'unary',
  infer({ x }, { kind }) {
    return { y: { dtype: requireFloat(kind, { x }), shape: x.shape } };
  },
  reference({ x }, { y }, { kind }) {
    const formula = UNARY_FORMULAS[kind];
    for (let i = 0; i < x.length; i++) y[i] = formula(x[i]!);
  },
  vjp: {
    // The result is what the next op reads, so saving it is free; where it gives the derivative, it is saved.
    save({ kind }) {
      if (kind === 'negate') return [];
      return kind === 'exp' || kind === 'relu' ? ['y'] : ['x'];
    },
    pull({ d, saved: { x, y }, attrs: { kind } }) {
      const dy = d.y!;
      if (kind === 'negate') return { x: scale(dy, -1) };
      if (kind === 'exp') return { x: multiply(dy, y!) };
      // relu(x) > 0 exactly where x > 0.
      return { x: unaryBackward(kind === 'relu' ? y! : x!, dy, kind) };
    },
  },
};

const apply = (kind: UnaryKind, x: Tensor): Tensor => run(unaryOp, { x }, { kind }).y;

/** -x */
export function negate(x: Tensor): Tensor {
  return apply('negate', x);
}

/** e to the x */
export function exp(x: Tensor): Tensor {
  return apply('exp', x);
}

/** The natural logarithm; NaN below 0. */
export function log(x: Tensor): Tensor {
  return apply('log', x);
}

/** The square root; NaN below 0. */
export function sqrt(x: Tensor): Tensor {
  return apply('sqrt', x);
}

/** x² */
export function square(x: Tensor): Tensor {
  return apply('square', x);
}

/** 1 / x */
export function reciprocal(x: Tensor): Tensor {
  return apply('reciprocal', x);
}

/** |x| */
export function absolute(x: Tensor): Tensor {
  return apply('absolute', x);
}

/** max(x, 0) */
export function relu(x: Tensor): Tensor {
  return apply('relu', x);
}

/** max(x, 0)² (So et al., Primer, arXiv 2109.08668) */
export function squaredRelu(x: Tensor): Tensor {
  return apply('squared-relu', x);
}

/** x · sigmoid(x) */
export function silu(x: Tensor): Tensor {
  return apply('silu', x);
}

/** GELU in its tanh form: x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))) (arXiv 1606.08415) */
export function gelu(x: Tensor): Tensor {
  return apply('gelu', x);
}

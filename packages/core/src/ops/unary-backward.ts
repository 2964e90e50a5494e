/** dx = f'(x) · dy for every kind of unary. At a kink the derivative is the one from the left, 0; of |x| it is 0 too. */
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import type { Tensor } from '../tensor.ts';
import { requireFloat, requireSameShape } from './require.ts';
import type { UnaryKind } from './unary.ts';

/** √(2/π) and the cubic coefficient of the tanh form of GELU (Hendrycks and Gimpel, arXiv 1606.08415). */
export const GELU_SCALE: number = Math.sqrt(2 / Math.PI);
export const GELU_CUBIC = 0.044715;

/** f'(x), in float64. */
export const UNARY_DERIVATIVES: Readonly<Record<UnaryKind, (x: number) => number>> = {
  negate: () => -1,
  exp: Math.exp,
  log: (x) => 1 / x,
  sqrt: (x) => 0.5 / Math.sqrt(x),
  square: (x) => 2 * x,
  reciprocal: (x) => -1 / (x * x),
  absolute: Math.sign,
  relu: (x) => (x > 0 ? 1 : 0),
  'squared-relu': (x) => 2 * Math.max(x, 0),
  silu(x) {
    const sigmoid = 1 / (1 + Math.exp(-x));
    return sigmoid * (1 + x * (1 - sigmoid));
  },
  gelu(x) {
    const t = Math.tanh(GELU_SCALE * (x + GELU_CUBIC * x ** 3));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * GELU_SCALE * (1 + 3 * GELU_CUBIC * x * x);
  },
};

export const unaryBackwardOp: Op<'x' | 'dy', 'dx', { readonly kind: UnaryKind }> = {
  name: 'unary-backward',
  infer({ x, dy }, { kind }) {
    const where = `${kind}-backward`;
    const dtype = requireFloat(where, { x, dy });
    requireSameShape(where, 'dy', dy.shape, x.shape);
    return { dx: { dtype, shape: x.shape } };
  },
  reference({ x, dy }, { dx }, { kind }) {
    const derivative = UNARY_DERIVATIVES[kind];
    for (let i = 0; i < x.length; i++) dx[i] = derivative(x[i]!) * dy[i]!;
  },
};

/** f'(x) · dy, element by element, for the gradient rules of fused ops. */
export function unaryBackward(x: Tensor, dy: Tensor, kind: UnaryKind): Tensor {
  return run(unaryBackwardOp, { x, dy }, { kind }).dx;
}

/**
 * Matrix product over the last two dimensions: y = op(a) · op(b) + add, in new memory, or into + op(a) · op(b), in
 * place. A matrix b without leading dimensions serves every matrix of a. Sums are taken in at least float32 and
 * rounded once.
 */
import { ShapeError, ValueError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { type Shape, sameShape, showShape, sizeOf } from '../shape.ts';
import { reshape, type Tensor } from '../tensor.ts';
import { broadcast, sumTo } from './reduce.ts';
import { requireDType, requireF32Or, requireFloat, requireRank, requireSameShape } from './require.ts';

export interface MatmulAttrs {
  /** a is stored [..., K, M]. */
  readonly transposeA: boolean;
  /** b is stored [..., N, K]. */
  readonly transposeB: boolean;
}

export interface MatmulSizes {
  /** Products to compute, and whether they share b. */
  readonly batch: number;
  readonly sharedB: boolean;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** The sizes of a product; kernels use it too. */
export function matmulSizes(a: Shape, b: Shape, { transposeA, transposeB }: MatmulAttrs): MatmulSizes {
  requireRank('matmul', 'a', a, 2);
  requireRank('matmul', 'b', b, 2);
  const [rowsA, columnsA] = [a.at(-2)!, a.at(-1)!];
  const [rowsB, columnsB] = [b.at(-2)!, b.at(-1)!];
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [n, kB] = transposeB ? [rowsB, columnsB] : [columnsB, rowsB];
  if (k !== kB) {
    throw new ShapeError(
      'matmul',
      `inner sizes must be equal, got ${k} of a ${showShape(a)} and ${kB} of b ${showShape(b)}`,
      'check transposeA and transposeB',
    );
  }
  const leadA = a.slice(0, -2);
  const leadB = b.slice(0, -2);
  if (leadB.length > 0 && !sameShape(leadA, leadB)) {
    throw new ShapeError(
      'matmul',
      `leading dimensions must be equal or absent in b, got ${showShape(a)} and ${showShape(b)}`,
    );
  }
  const sharedB = leadB.length === 0;
  // Without a transpose, matrices of a that share b are just more rows.
  if (sharedB && !transposeA) return { batch: 1, sharedB, m: m * sizeOf(leadA), n, k };
  return { batch: sizeOf(leadA), sharedB, m, n, k };
}

export const matmulOp: Op<'a' | 'b', 'y', MatmulAttrs, 'add' | 'into'> = {
  name: 'matmul',
  inPlace: { y: 'into' },
  infer({ a, b, add, into }, attrs) {
    const dtype = requireFloat('matmul', { a, b });
    matmulSizes(a.shape, b.shape, attrs);
    const m = a.shape.at(attrs.transposeA ? -1 : -2)!;
    const n = b.shape.at(attrs.transposeB ? -2 : -1)!;
    const shape = [...a.shape.slice(0, -2), m, n];
    if (add && into) throw new ValueError('matmul', 'takes add or into, got both', 'leave one out');
    if (add) {
      requireDType('matmul', 'add', add, dtype);
      requireSameShape('matmul', 'add', add.shape, shape);
    }
    requireF32Or('matmul', 'into', into, dtype);
    if (into) requireSameShape('matmul', 'into', into.shape, shape);
    return { y: { dtype: into?.dtype ?? dtype, shape } };
  },
  reference({ a, b, add, into }, { y }, attrs, types) {
    const start = add ?? into;
    const { batch, sharedB, m, n, k } = matmulSizes(types.a.shape, types.b.shape, attrs);
    for (let p = 0; p < batch; p++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let l = 0; l < k; l++) {
            const left = a[p * m * k + (attrs.transposeA ? l * m + i : i * k + l)]!;
            const right = b[(sharedB ? 0 : p * n * k) + (attrs.transposeB ? j * k + l : l * n + j)]!;
            sum += left * right;
          }
          const at = p * m * n + i * n + j;
          y[at] = start ? start[at]! + sum : sum;
        }
      }
    }
  },
  vjp: {
    save: ['a', 'b'],
    pull({ d, saved, attrs, needs, into }) {
      const { a, b } = saved as { a: Tensor; b: Tensor };
      const dy = d.y!;
      const { transposeA, transposeB } = attrs;
      return {
        // y = a b: da = dy bᵀ; with a stored transposed, daᵀ = b dyᵀ.
        ...(needs('a') && {
          a: transposeA
            ? matmul(forEach(b, dy), dy, { transposeA: transposeB, transposeB: true, into: into('a') })
            : matmul(dy, b, { transposeB: !transposeB, into: into('a') }),
        }),
        ...(needs('b') && { b: gradientOfB(a, b, dy, attrs, into('b')) }),
        ...(needs('add') && { add: dy }),
        ...(needs('into') && { into: dy }),
      };
    },
  },
};

/** db = aᵀ dy, or dbᵀ = dyᵀ a when b is stored transposed; a shared b sums over all matrices of a. */
function gradientOfB(
  a: Tensor,
  b: Tensor,
  dy: Tensor,
  { transposeA, transposeB }: MatmulAttrs,
  into: Tensor | undefined,
): Tensor {
  const product = (left: Tensor, grad: Tensor, sum: Tensor | undefined) =>
    transposeB
      ? matmul(grad, left, { transposeA: true, transposeB: transposeA, into: sum })
      : matmul(left, grad, { transposeA: !transposeA, into: sum });
  const matrices = a.shape.length > 2;
  if (!matrices || b.shape.length > 2) return product(a, dy, into);
  if (transposeA) return sumTo(product(a, dy, undefined), b.shape);
  // The rows of all matrices are one long matrix, and the product sums over them.
  const flat = (x: Tensor) => reshape(x, [x.size / x.shape.at(-1)!, x.shape.at(-1)!]);
  return product(flat(a), flat(dy), into);
}

/** b once for each matrix of `like`, for a product in which b comes first. */
function forEach(b: Tensor, like: Tensor): Tensor {
  const shape = [...like.shape.slice(0, -2), ...b.shape.slice(-2)];
  return sameShape(b.shape, shape) ? b : broadcast(b, shape);
}

export interface MatmulOptions extends Partial<MatmulAttrs> {
  readonly add?: Tensor | undefined;
  readonly into?: Tensor | undefined;
}

/**
 * y [..., M, N] = op(a) · op(b), with a [..., M, K] and b [..., K, N] or [K, N], each stored transposed where
 * its flag says so. `add` (y's shape and dtype) is added. With `into` instead, adds the product to it in place and
 * returns it; it may be f32 where a and b are bf16.
 */
export function matmul(
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false, add, into }: MatmulOptions = {},
): Tensor {
  return run(matmulOp, { a, b, add, into }, { transposeA, transposeB }).y;
}

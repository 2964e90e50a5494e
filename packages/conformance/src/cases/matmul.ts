/** Cases of the matrix product: every transpose, odd sizes around register tiles, batches, sums that it starts from. */
import { type MatmulAttrs, type matmulOp, type Shape, showShape } from '@qsparse/core';
import type { CaseList } from '../op-case.ts';

/** [m, n, k] */
const PRODUCTS: readonly (readonly [m: number, n: number, k: number])[] = [
  [1, 1, 1],
  [1, 7, 5],
  [6, 1, 9],
  [3, 5, 1],
  [5, 9, 7],
  [8, 16, 12],
  [17, 33, 21],
];
const LARGE: (typeof PRODUCTS)[number] = [67, 70, 65];

const FLAGS: readonly MatmulAttrs[] = [
  { transposeA: false, transposeB: false },
  { transposeA: false, transposeB: true },
  { transposeA: true, transposeB: false },
  { transposeA: true, transposeB: true },
];

function operands(
  m: number,
  n: number,
  k: number,
  { transposeA, transposeB }: MatmulAttrs,
): [a: Shape, b: Shape] {
  return [transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n]];
}

const nameOf = ({ transposeA, transposeB }: MatmulAttrs) =>
  `${transposeA ? 'T' : 'N'}${transposeB ? 'T' : 'N'}`;

export const matmulCases: CaseList<typeof matmulOp> = (draw) => [
  ...FLAGS.flatMap((attrs) =>
    [...PRODUCTS, LARGE].map(([m, n, k]) => {
      const [a, b] = operands(m, n, k, attrs);
      const ins = { a: draw.normal(a), b: draw.normal(b) };
      return { name: `${nameOf(attrs)} ${m}x${n}x${k}`, ins, attrs };
    }),
  ),
  ...FLAGS.flatMap((attrs) =>
    PRODUCTS.map(([m, n, k]) => {
      const [a, b] = operands(m, n, k, attrs);
      const ins = { a: draw.normal(a), b: draw.normal(b), into: draw.normal([m, n]) };
      return { name: `${nameOf(attrs)} ${m}x${n}x${k} into`, ins, attrs };
    }),
  ),
  ...FLAGS.flatMap((attrs) =>
    [true, false].flatMap((shared) =>
      ([[3], [2, 3]] as const).map((lead: Shape) => {
        const [a, b] = operands(5, 7, 9, attrs);
        return {
          name: `${nameOf(attrs)} batch ${showShape(lead)} of 5x7x9${shared ? ', one b' : ''}`,
          ins: { a: draw.normal([...lead, ...a]), b: draw.normal(shared ? b : [...lead, ...b]) },
          attrs,
        };
      }),
    ),
  ),
  ...FLAGS.map((attrs) => {
    const [a, b] = operands(5, 7, 9, attrs);
    return {
      name: `${nameOf(attrs)} batch [4] of 5x7x9 into`,
      ins: { a: draw.normal([4, ...a]), b: draw.normal([4, ...b]), into: draw.normal([4, 5, 7]) },
      attrs,
    };
  }),
  ...FLAGS.flatMap((attrs) =>
    [...PRODUCTS, LARGE].map(([m, n, k]) => {
      const [a, b] = operands(m, n, k, attrs);
      const ins = { a: draw.normal(a), b: draw.normal(b), add: draw.normal([m, n]) };
      return { name: `${nameOf(attrs)} ${m}x${n}x${k} add`, ins, attrs };
    }),
  ),
  ...FLAGS.flatMap((attrs) =>
    [true, false].map((shared) => {
      const [a, b] = operands(5, 7, 9, attrs);
      return {
        name: `${nameOf(attrs)} batch [2, 3] of 5x7x9 add${shared ? ', one b' : ''}`,
        ins: {
          a: draw.normal([2, 3, ...a]),
          b: draw.normal(shared ? b : [2, 3, ...b]),
          add: draw.normal([2, 3, 5, 7]),
        },
        attrs,
      };
    }),
  ),
  {
    name: 'add is a itself',
    ins: { a: draw.normal([2, 11, 13]), b: draw.normal([13, 13]) },
    shares: { add: 'a' },
    attrs: FLAGS[0]!,
  },
  {
    name: 'NaN and infinity in add',
    ins: {
      a: draw.normal([9, 13]),
      b: draw.normal([13, 11]),
      add: draw.floats([9, 11], [1, 2, Number.NaN, 3, 4, Number.NEGATIVE_INFINITY, 5]),
    },
    attrs: FLAGS[0]!,
  },
  // What a weight's gradient is: products of bf16, added into f32.
  ...FLAGS.flatMap((attrs) =>
    [...PRODUCTS, LARGE].map(([m, n, k]) => {
      const [a, b] = operands(m, n, k, attrs);
      return {
        name: `bf16 ${nameOf(attrs)} ${m}x${n}x${k} into f32`,
        ins: {
          a: draw.normal(a, { dtype: 'bf16' }),
          b: draw.normal(b, { dtype: 'bf16' }),
          into: draw.normal([m, n], { dtype: 'f32' }),
        },
        attrs,
      };
    }),
  ),
  // A NaN or an infinity touches its own row and column, and nothing else: no tile may spread it.
  {
    name: 'NaN and infinity stay in their row',
    ins: {
      a: draw.floats(
        [9, 13],
        draw
          .normal([9, 13])
          .elements.map((x, i) => (i === 20 ? Number.NaN : i === 60 ? Number.POSITIVE_INFINITY : x)),
      ),
      b: draw.awayFromZero([13, 11]),
    },
    attrs: FLAGS[0]!,
  },
];

/** Cases of causal attention and its gradient. */
import { type AttentionAttrs, type attentionBackwardOp, attentionOp } from '@qsparse/core';
import { type Draw, forward } from '../draw.ts';
import type { CaseList, Values } from '../op-case.ts';
import { cancelling } from '../tolerance.ts';

interface Sizes {
  /** B, T, S, H, G, D */
  readonly sizes: readonly [number, number, number, number, number, number];
  readonly window?: number;
  readonly position?: number | readonly number[];
  /** The first key of each query, [B, T] in order; repeated where there are fewer. */
  readonly first?: readonly number[];
  readonly scale?: number;
}

const SETTINGS: readonly Sizes[] = [
  { sizes: [1, 1, 1, 1, 1, 1] },
  { sizes: [1, 5, 5, 1, 1, 3] },
  { sizes: [2, 3, 7, 4, 2, 5] },
  { sizes: [1, 9, 9, 6, 1, 8], scale: 0.1 },
  { sizes: [2, 17, 17, 3, 3, 16], window: 4 },
  { sizes: [1, 6, 6, 2, 1, 4], window: 1 },
  { sizes: [1, 67, 71, 4, 2, 20] },
  { sizes: [2, 70, 70, 2, 2, 64], window: 33 },
  // Decoding: one query, a cache that is longer than what is filled.
  { sizes: [3, 1, 40, 4, 2, 16], position: 21 },
  { sizes: [2, 4, 40, 4, 4, 6], position: 0 },
  { sizes: [2, 4, 40, 4, 4, 6], position: 36, window: 5 },
  { sizes: [1, 1, 130, 8, 2, 64], position: 129 },
  // Rows of a batch that are at places of their own.
  { sizes: [5, 1, 40, 4, 2, 16], position: [0, 39, 12, 3, 25] },
  { sizes: [5, 1, 150, 2, 1, 8], position: [149, 0, 128, 63, 64], window: 70 },
  { sizes: [3, 4, 40, 4, 2, 6], position: [30, 0, 36] },
  { sizes: [2, 70, 140, 1, 1, 8], position: [70, 5], window: 40 },
  // Documents that share a row.
  { sizes: [1, 6, 6, 2, 1, 4], first: [0, 0, 2, 2, 2, 5] },
  { sizes: [2, 5, 5, 4, 2, 5], first: [0, 1, 1, 1, 4, 0, 0, 0, 3, 3] },
  { sizes: [2, 70, 70, 1, 1, 32], first: documents(70, [20, 64], [1, 2, 3, 50]), window: 17 },
  { sizes: [1, 150, 150, 1, 1, 4], first: documents(150, [64, 128, 140]) },
  // Keys before the first one, below 0 and out of order; with places of their own.
  { sizes: [2, 3, 9, 2, 2, 4], first: [-5, 6, 2, 0, -(2 ** 31), 7] },
  { sizes: [3, 2, 20, 4, 1, 8], first: [2, 2, 0, 9, 14, 15], position: [4, 10, 18] },
  { sizes: [2, 12, 80, 2, 1, 16], first: [0, 50, 3, 45, 45], position: [66, 50], window: 30 },
  { sizes: [4, 1, 200, 2, 1, 8], first: [190, 64, 0, 130], position: [199, 70, 3, 131] },
];

/** The first key of each of `tokens` queries in each row, where documents begin at 0 and at the given places. */
function documents(tokens: number, ...rows: readonly (readonly number[])[]): readonly number[] {
  return rows.flatMap((starts) =>
    Array.from({ length: tokens }, (_, t) => Math.max(0, ...starts.filter((start) => start <= t))),
  );
}

/** Rows that see no key at all; they are zeros with a logSumExp of -infinity. */
const BLIND: readonly Sizes[] = [
  { sizes: [1, 3, 5, 2, 1, 4], position: -2 },
  { sizes: [1, 2, 5, 2, 1, 4], position: -9 },
  { sizes: [1, 2, 5, 2, 1, 4], position: 20, window: 3 },
  { sizes: [3, 2, 5, 2, 1, 4], position: [1, -9, 2 ** 31 - 1], window: 3 },
  { sizes: [3, 1, 70, 4, 2, 8], position: [-(2 ** 31), 69, 80], window: 9 },
  { sizes: [2, 12, 80, 2, 1, 16], first: [0, 60, 3, 66], position: [66, 50], window: 30 },
  { sizes: [2, 4, 4, 2, 1, 4], first: [1, 1, 1, 5, 0, 2, 2 ** 31 - 1, 3] },
  { sizes: [2, 70, 70, 1, 1, 8], first: [2, 70, 80, 1] },
  { sizes: [3, 1, 70, 4, 2, 4], first: [9, 0, 60], position: [8, 5, 60] },
];

function make(draw: Draw, { sizes, window = 0, position, first, scale }: Sizes) {
  const [b, t, s, h, g, d] = sizes;
  const attrs: AttentionAttrs = { scale: scale ?? 1 / Math.sqrt(d), window };
  const ins: Record<'q' | 'k' | 'v', Values> & { position?: Values; first?: Values } = {
    q: draw.normal([b, t, h, d]),
    k: draw.normal([b, s, g, d]),
    v: draw.normal([b, s, g, d]),
    ...(position !== undefined && { position: draw.position(position) }),
    ...(first && { first: draw.wholes([b, t], first) }),
  };
  const details = [
    window ? ` window ${window}` : '',
    position === undefined ? '' : ` from position ${position}`,
    first ? ` first keys ${first.slice(0, 10)}${first.length > 10 ? ',…' : ''}` : '',
  ].join('');
  return {
    name: `B ${b} T ${t} S ${s} H ${h} G ${g} D ${d}${details}`,
    ins,
    attrs,
    accuracy: cancelling(draw.dtype),
  };
}

export const attentionCases: CaseList<typeof attentionOp> = (draw) => [
  ...SETTINGS.map((sizes) => make(draw, sizes)),
  // The composite's sums give 0 for the logarithm of nothing.
  ...BLIND.map((sizes) => ({ ...make(draw, sizes), notInComposite: ['logSumExp' as const] })),
];

export const attentionBackwardCases: CaseList<typeof attentionBackwardOp> = (draw) =>
  [...SETTINGS, ...BLIND].map((sizes) => {
    const { name, ins, attrs } = make(draw, sizes);
    const { y, logSumExp } = forward(attentionOp, ins, attrs) as Record<'y' | 'logSumExp', Values>;
    return {
      name,
      ins: { ...ins, dy: draw.normal(ins.q.shape), y, logSumExp },
      attrs,
      // Where one key is all that is seen, dy·v - dy·y is nothing but rounding.
      accuracy: cancelling(draw.dtype),
    };
  });

/** Cases of causal attention and its gradient. */
import { type AttentionAttrs, type attentionBackwardOp, attentionOp } from '@qsparse/core';
import { type Draw, forward } from '../draw.ts';
import type { CaseList, Values } from '../op-case.ts';
import { cancelling } from '../tolerance.ts';

interface Sizes {
  /** B, T, S, H, G, D */
  readonly sizes: readonly [number, number, number, number, number, number];
  readonly window?: number;
  readonly position?: number;
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
];

/** Rows that see no key at all; they are zeros with a logSumExp of -infinity. */
const BLIND: readonly Sizes[] = [
  { sizes: [1, 3, 5, 2, 1, 4], position: -2 },
  { sizes: [1, 2, 5, 2, 1, 4], position: -9 },
  { sizes: [1, 2, 5, 2, 1, 4], position: 20, window: 3 },
];

function make(draw: Draw, { sizes, window = 0, position, scale }: Sizes) {
  const [b, t, s, h, g, d] = sizes;
  const attrs: AttentionAttrs = { scale: scale ?? 1 / Math.sqrt(d), window };
  const ins: Record<'q' | 'k' | 'v', Values> & { position?: Values } = {
    q: draw.normal([b, t, h, d]),
    k: draw.normal([b, s, g, d]),
    v: draw.normal([b, s, g, d]),
    ...(position !== undefined && { position: draw.position(position) }),
  };
  const details = `${window ? ` window ${window}` : ''}${position === undefined ? '' : ` from position ${position}`}`;
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

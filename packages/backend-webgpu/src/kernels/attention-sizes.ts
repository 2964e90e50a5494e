/** What attention and its gradient share: sizes as kernels take them, and which of their forms to use. */
import { type AttentionAttrs, attentionSizes, type View } from '@qsparse/core';
import type { LaunchContext } from '../launch.ts';
import { placesOf } from './places.ts';

/** No window is larger than this: positions are held within it. */
const MOST_WINDOW = 2 ** 30;
/** Bytes of weights that are held at a time. */
const MOST_WEIGHTS = 2 ** 26;

export interface AttentionNumbers {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly groups: number;
  readonly width: number;
  readonly scale: number;
  /** 0: none. */
  readonly window: number;
  /** As in places.wgsl. */
  readonly places: number;
}

/** Inputs that say which keys are seen. */
export interface Places {
  readonly position: View | undefined;
  readonly first: View | undefined;
}

export function attentionNumbers(
  { q, k, position, first }: Places & { readonly q: View; readonly k: View },
  { scale, window }: AttentionAttrs,
): AttentionNumbers {
  const sizes = attentionSizes('attention', q.shape, k.shape, k.shape);
  return { ...sizes, scale, window: window > MOST_WINDOW ? 0 : window, places: placesOf(position, first) };
}

/** Whether all heads are whole vectors of 16 bytes. */
export function headsAreVectors(
  width: number,
  views: readonly View[],
  context: Pick<LaunchContext, 'isAligned'>,
): boolean {
  return width % 4 === 0 && views.every((view) => context.isAligned(view, 16));
}

/** Pairs of batch and group that are worked on together, with all their weights in memory. */
export interface GroupRange {
  readonly firstGroup: number;
  readonly groups: number;
}

export interface WeightsPlan {
  readonly paddedQueries: number;
  readonly paddedKeys: number;
  /** Bytes of the weights of the largest range, once. */
  readonly bytes: number;
  readonly ranges: readonly GroupRange[];
}

/** How the forms that hold weights go about it, `copies` matrices of them; undefined where one group's are too large. */
export function weightsPlan(
  { batch, queries, keys, heads, groups }: AttentionNumbers,
  copies: number,
  maxBinding: number,
): WeightsPlan | undefined {
  const paddedQueries = Math.ceil(queries / 4) * 4;
  const paddedKeys = Math.ceil(keys / 4) * 4;
  const perGroup = (heads / groups) * paddedQueries * paddedKeys * 4;
  const together = Math.min(
    batch * groups,
    Math.floor(Math.min(maxBinding, MOST_WEIGHTS) / (copies * perGroup)),
  );
  if (together === 0) return undefined;
  const ranges: GroupRange[] = [];
  for (let first = 0; first < batch * groups; first += together) {
    ranges.push({ firstGroup: first, groups: Math.min(together, batch * groups - first) });
  }
  return { paddedQueries, paddedKeys, bytes: together * perGroup, ranges };
}

/** How products of lists of channels (sparse-gemv, ternary-gemv) are given to workgroups. */
import type { LaunchContext } from '../launch.ts';

export interface ProductSizes {
  readonly lists: number;
  /** Places of a list. */
  readonly keep: number;
  /** Units of outputs of a channel: vectors, words or single ones. */
  readonly units: number;
  /** Channels that an invocation asks for at a time. */
  readonly together: number;
}

export interface ProductPlan {
  /** Overrides of product-place.wgsl. */
  readonly layout: { readonly lanes: number; readonly slots: number; readonly staged: boolean };
  readonly tiles: number;
  /** Parts that a list is cut into, summed afterwards in order. */
  readonly splits: number;
}

export type Planner = (context: Pick<LaunchContext, 'barrierFree'>, sizes: ProductSizes) => ProductPlan;

const THREADS = 256;
/** Tiles along a channel that are enough for a list to be cut no further than by these. */
const ENOUGH_TILES = 32;
/** Workgroups that keep a large GPU busy. */
const ENOUGH_WORKGROUPS = 1024;
/** Rounds of a workgroup's invocations that are worth a part of their own. */
const LEAST_ROUNDS = 2;

export function planProduct(
  { barrierFree }: Pick<LaunchContext, 'barrierFree'>,
  { lists, keep, units, together }: ProductSizes,
): ProductPlan {
  if (barrierFree) {
    const lanes = 64;
    return { layout: { lanes, slots: 1, staged: false }, tiles: Math.ceil(units / lanes), splits: 1 };
  }
  // Wide tiles read longer pieces of a channel, narrow ones leave more for the workgroups of a small matrix.
  const lanes = [32, 16].find((wide) => Math.ceil(units / wide) * lists >= ENOUGH_TILES) ?? 8;
  const slots = THREADS / lanes;
  const tiles = Math.ceil(units / lanes);
  const rounds = Math.ceil(keep / (slots * together));
  const wanted = Math.min(Math.ceil(ENOUGH_WORKGROUPS / (tiles * lists)), Math.floor(rounds / LEAST_ROUNDS));
  const each = Math.ceil(rounds / Math.max(1, wanted));
  return { layout: { lanes, slots, staged: true }, tiles, splits: Math.ceil(rounds / each) };
}

/** How flat tensors are cut into launches: what fits in a binding, in vectors of four where they are aligned. */
import type { View } from '@qsparse/core';
import type { Grid, LaunchContext } from '../launch.ts';

/** The same as in flat.wgsl. */
const FLAT_THREADS = 64;

/** A workgroup for every 64 items. */
export function flatGrid(context: LaunchContext, items: number): Grid {
  return context.grid(Math.ceil(items / FLAT_THREADS));
}

export type Parts<N extends string> = Readonly<Record<N, View>>;

export interface FlatLaunch<N extends string> {
  /** Whether the kernel with vectors of four is meant. */
  readonly wide: boolean;
  /** The same elements of every tensor. */
  readonly parts: Parts<N>;
  /** Elements, or vectors of four. */
  readonly count: number;
  /** The first element of these parts. */
  readonly first: number;
}

/**
 * Calls `launch` until all `count` elements of `views` are done. `canBeWide`: whether vectors of four are right for the
 * other arguments.
 */
export function launchFlat<N extends string>(
  context: LaunchContext,
  views: Parts<N>,
  count: number,
  launch: (flat: FlatLaunch<N>) => void,
  canBeWide = true,
): void {
  const names = Object.keys(views) as N[];
  const cut = (first: number, elements: number): Parts<N> => {
    const parts = {} as Record<N, View>;
    for (const name of names) parts[name] = context.part(views[name], first, elements);
    return parts;
  };
  const shares = names.map((name) => [views[name], 1] as const);
  for (const { first, count: here } of context.ranges(count, shares)) {
    const vectors = Math.floor(here / 4);
    let done = 0;
    if (canBeWide && vectors > 0 && first % 4 === 0) {
      const parts = cut(first, 4 * vectors);
      if (names.every((name) => context.isAligned(parts[name], 16))) {
        launch({ wide: true, parts, count: vectors, first });
        done = 4 * vectors;
      }
    }
    if (done === here) continue;
    launch({ wide: false, parts: cut(first + done, here - done), count: here - done, first: first + done });
  }
}

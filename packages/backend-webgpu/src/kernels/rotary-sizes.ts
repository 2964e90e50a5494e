/** What rotary-heads and its gradient share: sizes, pieces that fit in bindings, and whose positions count. */
import type { View } from '@qsparse/core';
import type { LaunchContext } from '../launch.ts';
import { placesOf } from './places.ts';

/** x and its parts, or their gradients: x [B, T, (H + 2G) · D], query [B, T, H, D], key and value [B, T, G, D]. */
export interface HeadViews {
  readonly x: View;
  readonly query: View;
  readonly key: View;
  readonly value: View;
}

export interface RotaryPiece extends HeadViews {
  readonly args: Readonly<
    Record<'pairs' | 'half' | 'heads' | 'groups' | 'tokens' | 'length' | 'first' | 'places', number>
  >;
}

/** Pieces of rows that fit in bindings. */
export function rotaryPieces(
  views: HeadViews,
  table: View,
  position: View | undefined,
  context: LaunchContext,
): readonly RotaryPiece[] {
  const { x, query, key, value } = views;
  const [batch, tokens, heads, width] = query.shape as [number, number, number, number];
  const groups = key.shape[2]!;
  const shares = {
    x: (heads + 2 * groups) * width,
    query: heads * width,
    key: groups * width,
    value: groups * width,
  };
  const names = ['x', 'query', 'key', 'value'] as const;
  const ranges = context.ranges(
    batch * tokens,
    names.map((name) => [views[name], shares[name]] as const),
  );
  return ranges.map(({ first, count }) => {
    const part = (view: View, share: number) => context.part(view, first * share, count * share);
    return {
      x: part(x, shares.x),
      query: part(query, shares.query),
      key: part(key, shares.key),
      value: part(value, shares.value),
      args: {
        ...{ pairs: (count * shares.x) / 2, half: width / 2, heads, groups, tokens },
        ...{ length: table.shape[0]!, first, places: placesOf(position) },
      },
    };
  });
}

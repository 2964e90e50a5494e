/** Optional inputs of kernels that know positions. */
import type { View } from '@qsparse/core';

/** The same as in places.wgsl. */
const HAS_POSITION = 1;
const HAS_EACH = 2;
const HAS_FIRST = 4;

/** The argument `places`: what there is of a position i32 [1] or [B], and of first keys. */
export function placesOf(position: View | undefined, first?: View | undefined): number {
  const count = position?.shape[0] ?? 0;
  return (count > 0 ? HAS_POSITION : 0) + (count > 1 ? HAS_EACH : 0) + (first ? HAS_FIRST : 0);
}

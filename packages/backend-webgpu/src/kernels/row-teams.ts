/** How the rows of an op are given to workgroups: in vectors where they lie right, else entry by entry. */
import type { View } from '@qsparse/core';
import type { Grid, LaunchContext } from '../launch.ts';

/** Entries of a row that registers hold: 256 invocations with 16 vectors of four. */
const WIDEST = 256 * 16 * 4;
const MOST_THREADS = 256;
const LEAST_THREADS = 32;
/** Vectors of an invocation from which on more of them share a row. */
const VECTORS = 4;
/** The same in rows-subgroups.wgsl: more places are never there. */
const SMALLEST_SUBGROUP = 4;

export interface RowPlan {
  /** `wide`: a workgroup a row in registers. `team`: a workgroup a row. `lane`: an invocation a row. */
  readonly kind: 'wide' | 'team' | 'lane';
  /** Whether a row is vectors of four at multiples of 16 bytes. */
  readonly vectored: boolean;
  readonly team: number;
  /** Of an invocation, where the row is in registers. */
  readonly vectors: number;
}

const rounded = (threads: number): number =>
  Math.max(LEAST_THREADS, Math.min(MOST_THREADS, 2 ** Math.ceil(Math.log2(threads))));

/** For rows of `width` entries in these views. */
export function planRow(
  context: LaunchContext,
  width: number,
  views: readonly (View | undefined)[],
): RowPlan {
  const length = width / 4;
  const vectored = Number.isInteger(length) && views.every((view) => context.isAligned(view, 16));
  if (context.barrierFree) return { kind: 'lane', vectored, team: 1, vectors: 0 };
  if (!vectored || width > WIDEST) return { kind: 'team', vectored, team: rounded(width / 8), vectors: 0 };
  const team = rounded(length / VECTORS);
  return { kind: 'wide', vectored, team, vectors: Math.ceil(length / team) };
}

/** The overrides of kernels that reduce by subgroups. */
export function subgroupOverrides(context: LaunchContext): { readonly smallest_subgroup: number } {
  return { smallest_subgroup: Math.max(SMALLEST_SUBGROUP, context.variant.subgroupMin) };
}

/** Invocations of the entry points that end in _lane. */
const LANE_THREADS = 16;

/** A workgroup, or an invocation, for each of `rows`. */
export function rowGrid(context: LaunchContext, { kind }: RowPlan, rows: number): Grid {
  return context.grid(kind === 'lane' ? Math.ceil(rows / LANE_THREADS) : rows);
}

/** How the rows of an op are given out: to a workgroup each, or to an invocation each where barriers are slow. */
import type { Grid, LaunchContext } from '../launch.ts';

export interface WholeRowPlan {
  readonly entry: 'team_row' | 'single_row';
  readonly grid: Grid;
  /** Overrides. */
  readonly team: { readonly team?: number };
}

/** The same as in flat.wgsl. */
const FLAT_THREADS = 64;
const MOST_THREADS = 256;
const LEAST_THREADS = 32;
/** Entries for each invocation of a workgroup, at least. */
const ENTRIES = 4;

/** For `rows` rows of `width` entries; kernels have both entry points. */
export function rowPlan(context: LaunchContext, rows: number, width: number): WholeRowPlan {
  if (context.barrierFree) {
    return { entry: 'single_row', grid: context.grid(Math.ceil(rows / FLAT_THREADS)), team: {} };
  }
  const team = 2 ** Math.ceil(Math.log2(width / ENTRIES));
  return {
    entry: 'team_row',
    grid: context.grid(rows),
    team: { team: Math.max(LEAST_THREADS, Math.min(MOST_THREADS, team)) },
  };
}

/** Blocks for the kernels that rows.cuh describes. */
import type { Grid } from '../launch.ts';

/** The same as in rows.cuh. */
const THREADS = 256;
const WARP = 32;
/** Rows up to this long have a warp each, which needs no barrier. */
const SHORT = 1024;

export interface RowPlan {
  readonly group: 'warp' | 'block';
  readonly grid: Grid;
}

export function planRows(rows: number, width: number): RowPlan {
  return width <= SHORT
    ? { group: 'warp', grid: [Math.ceil(rows / (THREADS / WARP))] }
    : { group: 'block', grid: [rows] };
}

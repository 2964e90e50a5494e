/** How rows are shared out among threads: the launch side of row-team.cuh, for every kernel that holds rows in registers. */
import type { View } from '@qsparse/core';
import { at, type LaunchContext } from '../launch.ts';

/**
 * Two rows a warp, a warp a row, four warps a row, a block a row; `any`: rows that are not whole vectors of 16 bytes, or
 * too long for registers. The names are part of the kernels'.
 */
export type RowTeam = 'narrow' | 'warp' | 'warps' | 'block' | 'any';

/** Bytes of the longest row of each team: lanes · 8 vectors of 16 bytes; a block has what 16384 entries need. */
const LONGEST = { narrow: 16 * 8 * 16, warp: 32 * 8 * 16, warps: 128 * 8 * 16 } as const;
const LONGEST_BLOCK = 16_384;
/** Rows that a block has at a time. */
const ROWS: Readonly<Record<RowTeam, number>> = { narrow: 16, warp: 8, warps: 1, block: 1, any: 1 };

/** From the dtype, the width and the addresses alone, so that results depend on nothing else. */
export function rowTeam(width: number, views: readonly (View | undefined)[]): RowTeam {
  const bytes = views[0]!.dtype === 'f32' ? 4 : 2;
  const wide = (width * bytes) % 16 === 0 && views.every((view) => at(view) % 16 === 0);
  if (!wide || width > LONGEST_BLOCK) return 'any';
  if (width * bytes <= LONGEST.narrow) return 'narrow';
  if (width * bytes <= LONGEST.warp) return 'warp';
  return width * bytes <= LONGEST.warps ? 'warps' : 'block';
}

/** Blocks that run side by side on a multiprocessor: what the kernels' registers allow. */
export type Resident = Readonly<Record<RowTeam, number>>;

/** As many blocks as run at once; each takes rows until there are none, so that a row can learn from the one before. */
export function rowBlocks(
  team: RowTeam,
  rows: number,
  resident: Resident,
  { multiprocessors }: LaunchContext,
): number {
  return Math.min(Math.ceil(rows / ROWS[team]), multiprocessors * resident[team]);
}

/** Two ops, one kernel: they differ in the gradient alone. Masks and int8 rounding by themselves are that kernel too. */
import { asRows, type Inputs, type View } from '@qsparse/core';
import { type SparsifyAttrs, sparsifyOp, sparsifyStraightThroughOp } from '@qsparse/quantizers';
import type { KernelArguments } from '../generated/kernel-arguments.ts';
import { at, type CudaKernel, cudaKernel, type LaunchContext } from '../launch.ts';
import { type Resident, type RowTeam, rowBlocks, rowTeam } from './row-team.ts';

/** What is written for entries that stay. The same order as in sparsify-row.cuh. */
const OUTPUTS = { values: 0, levels: 1, mask: 2 } as const;

const RESIDENT: Resident = { narrow: 3, warp: 3, warps: 5, block: 3, any: 6 };

/** Longest row that `sparsify_any` holds in shared memory, in bytes: what every GPU has without asking. */
const SHARED = 48 * 1024 - 256;

/** What to do with rows of x. */
export interface RowSite {
  readonly x: View;
  readonly y: View;
  readonly weight?: View | undefined;
  /** There where the rows are normed first. */
  readonly inverseRms?: View | undefined;
  readonly epsilon?: number;
  readonly k: number;
  readonly block: number;
  readonly output: keyof typeof OUTPUTS;
}

export interface Rows {
  readonly rows: number;
  readonly width: number;
}

/** Blocks that `sparsify_groups_*` selects in: bf16, a power of two of at most this. */
const LONGEST_GROUP = 64;

/** Whether entries are selected inside blocks: not where a block is the row, or is kept whole. */
function inBlocks({ k, block }: RowSite, width: number): boolean {
  return block > 0 && block < width && k < block;
}

/** What every kernel of a site takes. */
export function siteArguments(
  site: RowSite,
  { rows, width }: Rows,
): Omit<KernelArguments<'sparsify_any_f32'>, 'block' | 'inShared'> {
  const { x, y, weight, inverseRms, epsilon = 0, k, block, output } = site;
  return {
    ...{ x: at(x), weight: at(weight), y: at(y), inverseRms: at(inverseRms), rows, width },
    keep: k < (block || width) ? k : width,
    ...{ output: OUTPUTS[output], weightIsBf16: weight?.dtype === 'bf16' ? 1 : 0, epsilon },
  };
}

/** The threads for a row, `any` for rows that registers cannot hold or selections that they cannot make. */
export function siteTeam(site: RowSite, width: number): RowTeam {
  return inBlocks(site, width) ? 'any' : rowTeam(width, [site.x, site.weight, site.y]);
}

/** Enqueues the kernel for x [rows, width]; y may be x. */
export function launchSite(site: RowSite, rows: Rows, context: LaunchContext): void {
  const { dtype } = site.x;
  const blocks = inBlocks(site, rows.width);
  const powerOfTwo = (site.block & (site.block - 1)) === 0;
  const grouped = blocks && dtype === 'bf16' && powerOfTwo && site.block <= LONGEST_GROUP;
  const team = grouped ? rowTeam(rows.width, [site.x, site.weight, site.y]) : siteTeam(site, rows.width);
  const rowBytes = rows.width * (dtype === 'f32' ? 4 : 2);
  const shared = team === 'any' && rowBytes <= SHARED ? rowBytes : 0;
  const args = {
    ...siteArguments(site, rows),
    ...{ block: blocks ? site.block : 0, inShared: shared > 0 ? 1 : 0 },
  };
  const grid = [rowBlocks(team, rows.rows, RESIDENT, context)] as const;
  if (grouped && team !== 'any') context.launch(`sparsify_groups_${team}`, args, grid);
  else if (dtype === 'f32') context.launch(`sparsify_${team}_f32`, args, grid, { shared });
  else context.launch(`sparsify_${team}_bf16`, args, grid, { shared });
}

function launch(
  { x, weight }: Inputs<View, 'x', 'weight'>,
  { y, inverseRms }: Readonly<Record<'y' | 'inverseRms', View>>,
  { k, block, int8, normalize, epsilon }: SparsifyAttrs,
  context: LaunchContext,
): void {
  const norm = normalize ? { weight, inverseRms, epsilon } : {};
  launchSite({ x, y, ...norm, k, block, output: int8 ? 'levels' : 'values' }, asRows(x.shape), context);
}

export const sparsify: CudaKernel = cudaKernel(sparsifyOp, launch);
export const sparsifyStraightThrough: CudaKernel = cudaKernel(sparsifyStraightThroughOp, launch);

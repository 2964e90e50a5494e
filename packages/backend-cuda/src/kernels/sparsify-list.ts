import { asRows, byteLength, sizeOf, type View } from '@qsparse/core';
import { type SparsifyAttrs, sparsifyListOp } from '@qsparse/quantizers';
import { at, type CudaKernel, cudaKernel, type LaunchContext, type LaunchOptions } from '../launch.ts';
import { type ListViews, launchCompact, listAddresses } from './compact.ts';
import { type Resident, rowBlocks } from './row-team.ts';
import { launchSite, type RowSite, type Rows, siteTeam } from './sparsify.ts';

/** Teams that a multiprocessor has at a time, of both kinds of lists. */
export const LIST_RESIDENT: Resident = { narrow: 2, warp: 2, warps: 5, block: 2, any: 6 };

/** Enqueues the lists of rows of x, which is h where the site is gated; `dense` is memory for rows like x's, or x itself. */
export function launchLists(
  x: View,
  weight: View | undefined,
  outs: ListViews,
  { k, block, int8, normalize, epsilon }: SparsifyAttrs,
  context: LaunchContext,
  dense?: View,
): void {
  const rows = asRows(x.shape);
  // The kernels that norm say what they found; nobody asks here.
  const inverseRms = normalize ? temporaryView([rows.rows], 'f32', context) : undefined;
  const site: RowSite = {
    ...{ x, y: x, weight, inverseRms, epsilon, k, block },
    output: int8 ? 'levels' : 'values',
  };
  const team = siteTeam(site, rows.width);
  if (team === 'any') {
    const y = dense ?? temporaryView(x.shape, x.dtype, context);
    launchSite({ ...site, y }, rows, context);
    launchCompact(y, outs, int8, context);
    return;
  }
  const args = listArguments({ x, weight, inverseRms }, outs, rows, { k, block, int8, epsilon });
  const few = x.dtype === 'bf16' ? fewRows(rows, context) : undefined;
  if (few) {
    context.launch(`sparsify_list_few_${few.held}`, args, [rows.rows], { ...few.options, early: true });
    return;
  }
  const grid = [rowBlocks(team, rows.rows, LIST_RESIDENT, context)] as const;
  if (x.dtype === 'f32') context.launch(`sparsify_list_${team}_f32`, args, grid, { early: true });
  else context.launch(`sparsify_list_${team}_bf16`, args, grid, { early: true });
}

/** What the kernels of both kinds of lists are told, for rows [rows, width] of what is selected from. */
export function listArguments(
  { x, weight, inverseRms }: Pick<RowSite, 'x' | 'weight' | 'inverseRms'>,
  outs: ListViews,
  rows: Rows,
  { k, block, int8, epsilon }: Pick<SparsifyAttrs, 'k' | 'block' | 'int8' | 'epsilon'>,
): ReturnType<typeof listAddresses> &
  Rows &
  Readonly<Record<'x' | 'weight' | 'inverseRms' | 'keep' | 'length' | 'weightIsBf16' | 'epsilon', number>> {
  return {
    ...{ x: at(x), weight: at(weight), inverseRms: at(inverseRms), ...listAddresses(outs, int8), ...rows },
    ...{ keep: keptOf(k, block, rows.width), length: outs.indices.shape.at(-1)! },
    ...{ weightIsBf16: weight?.dtype === 'bf16' ? 1 : 0, epsilon },
  };
}

/** Blocks of few rows that a multiprocessor has at a time: with more rows than that, less is done for each. */
const FEW_RESIDENT = 2;
/** bf16 entries of a vector, and bytes of shared memory for each; the longest rows that take one and two vectors a thread. */
const [VECTOR, SHARED] = [8, 4] as const;
const LONGEST = { ofOne: 4096, ofTwo: 12_288 } as const;
const WARP = 32;

/**
 * How bf16 rows are listed that are whole vectors and few, a block each: `held` vectors a thread. Undefined where they are
 * many. The lists are the same.
 */
export function fewRows(
  { rows, width }: { readonly rows: number; readonly width: number },
  { multiprocessors, computeCapability }: LaunchContext,
): { readonly held: 1 | 2 | 4; readonly options: Pick<LaunchOptions, 'threads' | 'shared'> } | undefined {
  if (rows > FEW_RESIDENT * multiprocessors) return undefined;
  // Blocks of older GPUs have 64 KiB of shared memory.
  if (computeCapability < 80 && width > LONGEST.ofTwo) return undefined;
  const held = width <= LONGEST.ofOne ? 1 : width <= LONGEST.ofTwo ? 2 : 4;
  const threads = WARP * Math.ceil(width / (VECTOR * held * WARP));
  return { held, options: { threads, shared: threads * held * VECTOR * SHARED } };
}

/** Entries that stay of a row that is selected as a whole. */
export const keptOf = (k: number, block: number, width: number): number => (k < (block || width) ? k : width);

/** Memory of the op's own launches. */
export function temporaryView(shape: readonly number[], dtype: View['dtype'], context: LaunchContext): View {
  return { slot: context.temporary(byteLength(dtype, sizeOf(shape))), offset: 0, shape, dtype };
}

export const sparsifyList: CudaKernel = cudaKernel(sparsifyListOp, ({ x, weight }, outs, attrs, context) =>
  launchLists(x, weight, outs, attrs, context),
);

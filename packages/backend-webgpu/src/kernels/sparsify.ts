/** Two ops, one kernel: they differ in the gradient alone. Masks and int8 rounding by themselves are that kernel too. */
import { asRows, type GatedActivationAttrs, type Inputs, type View } from '@qsparse/core';
import { type SparsifyAttrs, sparsifyOp, sparsifyStraightThroughOp } from '@qsparse/quantizers';
import { type LaunchContext, type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';
import { GATED_KINDS } from './gated-activation.ts';
import { planRow, rowGrid, subgroupOverrides } from './row-teams.ts';

/** What is written for entries that stay; the same as in sparsify-site.wgsl. */
export const OUTPUTS = { values: 0, levels: 1, mask: 2, prepared: 3, everything: 4 } as const;

/** Blocks up to this length are ranked entry by entry. */
const LONGEST_RANKED = 64;

/** What to do with rows of x. */
export interface RowSite {
  /** [rows, width], or [rows, 2 width] with a gated kind. */
  readonly x: View;
  readonly y: View;
  readonly kind?: GatedActivationAttrs['kind'];
  readonly weight?: View | undefined;
  /** There where the rows are normed first. */
  readonly inverseRms?: View | undefined;
  readonly epsilon?: number;
  readonly k: number;
  readonly block: number;
  /** `everything`: no selection, and rows with NaN or infinity are as they are. */
  readonly output: 'values' | 'levels' | 'mask' | 'everything';
}

interface Rows {
  readonly rows: number;
  readonly width: number;
}

/** One launch: rows with one selection each. */
interface RowLaunch extends Omit<RowSite, 'block' | 'output' | 'inverseRms'>, Rows {
  readonly inverseRms: View | undefined;
  readonly output: keyof typeof OUTPUTS;
  /** Largest magnitudes of the rows of which these are `parts` each, or where they go. */
  readonly rowLargest?: View;
  readonly parts?: number;
}

/** Enqueues the kernels of a site. */
export function launchSite(site: RowSite, shape: Rows, context: LaunchContext): void {
  const { rows, width } = shape;
  const { block, k } = site;
  for (const { first, count } of context.ranges(rows, [
    [site.x, site.kind ? 2 * width : width],
    [site.y, width],
  ])) {
    const cut = (view: View, each: number): View => context.part(view, first * each, count * each);
    const here = {
      ...site,
      x: cut(site.x, site.kind ? 2 * width : width),
      y: cut(site.y, width),
      inverseRms: site.inverseRms && cut(site.inverseRms, 1),
    };
    const inBlocks = block > 0 && block < width && k < block;
    if (inBlocks) launchBlocks({ ...here, rows: count, width }, block, context);
    else launchRows({ ...here, rows: count, width, k: k < (block || width) ? k : width }, context);
  }
}

function launchBlocks(
  site: Omit<RowSite, 'block'> & Rows & { readonly inverseRms: View | undefined },
  block: number,
  context: LaunchContext,
): void {
  const { rows, width, k, y, output } = site;
  const rowLargest = context.temporary(4 * rows);
  const h = context.temporary(4 * rows * width);
  launchRows({ ...site, y: h, k: width, output: 'prepared', rowLargest }, context);
  if (block > LONGEST_RANKED) {
    const parts = width / block;
    const inverseRms = undefined;
    launchRows(
      { x: h, y, inverseRms, k, output, rowLargest, parts, rows: rows * parts, width: block },
      context,
    );
    return;
  }
  const args = { count: rows * width, width, block, keep: k };
  const overrides = { output: OUTPUTS[output] };
  const tensors = { h, row_largest: rowLargest, y };
  context.launch(
    'sparsify-blocks',
    'sparsify_blocks',
    tensors,
    args,
    flatGrid(context, rows * width),
    overrides,
  );
}

function launchRows(site: RowLaunch, context: LaunchContext): void {
  const { x, y, kind, weight, inverseRms, rowLargest, parts = 0, output, rows, width, k, epsilon = 0 } = site;
  const overrides = {
    ...{ gated: kind ? GATED_KINDS[kind] : 0, output: OUTPUTS[output] },
    ...{ with_norm: inverseRms !== undefined, with_weight: weight !== undefined },
  };
  const args = { rows, width, keep: k, epsilon };
  const tensors = { x, weight, y, inverse_rms: inverseRms };
  const plan = planRow(context, width, [x, y, weight]);
  const grid = rowGrid(context, plan, rows);
  if (plan.kind === 'wide' && !rowLargest) {
    const own = { ...overrides, team: plan.team, vectors: plan.vectors };
    if (context.variant.subgroups) {
      const all = { ...own, ...subgroupOverrides(context) };
      context.launch('sparsify-subgroups', 'sparsify', tensors, args, grid, all);
    } else context.launch('sparsify-vec4', 'sparsify', tensors, args, grid, own);
    return;
  }
  if (plan.kind === 'lane' && plan.vectored && !rowLargest) {
    context.launch('sparsify-lane', 'sparsify_lane', tensors, args, grid, overrides);
    return;
  }
  const all = { ...tensors, row_largest: rowLargest };
  const more = { ...args, parts };
  const own = { ...overrides, parts_of_rows: parts > 0 };
  if (plan.kind === 'lane') context.launch('sparsify', 'sparsify_lane', all, more, grid, own);
  else context.launch('sparsify', 'sparsify', all, more, grid, { ...own, team: plan.team });
}

/** Enqueues what selects from x's rows. */
export function launchSparsify(
  { x, weight }: Inputs<View, 'x', 'weight'>,
  { y, inverseRms }: Readonly<Record<'y' | 'inverseRms', View>>,
  { k, block, int8, normalize, epsilon }: SparsifyAttrs,
  context: LaunchContext,
): void {
  const norm = normalize ? { weight, inverseRms, epsilon } : {};
  launchSite({ x, y, ...norm, k, block, output: int8 ? 'levels' : 'values' }, asRows(x.shape), context);
}

export const sparsify: WebGpuKernel = webGpuKernel(sparsifyOp, launchSparsify);
export const sparsifyStraightThrough: WebGpuKernel = webGpuKernel(sparsifyStraightThroughOp, launchSparsify);

/**
 * What sparsify and gated-sparsify let through, as lists: in one launch where a workgroup's registers hold a row, else by way
 * of the rows.
 */
import { asRows, type GatedActivationAttrs, type Inputs, type Shape, type View } from '@qsparse/core';
import { gatedSparsifyListOp, type SparsifyAttrs, sparsifyListOp } from '@qsparse/quantizers';
import { type LaunchContext, type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { launchCompact } from './compact.ts';
import { GATED_KINDS } from './gated-activation.ts';
import { launchGatedSite } from './gated-sparsify.ts';
import { planRow, rowGrid, subgroupOverrides } from './row-teams.ts';
import { launchSparsify, OUTPUTS } from './sparsify.ts';

type Ins = Inputs<View, 'x', 'weight'>;
type Lists = Readonly<Record<'indices' | 'values' | 'count' | 'scale', View>>;
type Kind = GatedActivationAttrs['kind'];

export const sparsifyList: WebGpuKernel = webGpuKernel(sparsifyListOp, (ins, lists, attrs, context) => {
  if (launchAtOnce(ins, lists, attrs, undefined, context)) return;
  const selected = selectedRows(ins.x.shape, context);
  launchSparsify(ins, selected, attrs, context);
  launchLists(selected.y, lists, attrs, context);
});

export const gatedSparsifyList: WebGpuKernel = webGpuKernel(
  gatedSparsifyListOp,
  (ins, lists, attrs, context) => {
    if (launchAtOnce(ins, lists, attrs, attrs.kind, context)) return;
    const { shape } = ins.x;
    const selected = selectedRows([...shape.slice(0, -1), shape.at(-1)! / 2], context);
    launchGatedSite(ins, selected, attrs, context);
    launchLists(selected.y, lists, attrs, context);
  },
);

/** Whether one launch does it all; then it is enqueued. */
function launchAtOnce(
  { x, weight }: Ins,
  { indices, values, count, scale }: Lists,
  { k, block, int8, normalize, epsilon }: SparsifyAttrs,
  kind: Kind | undefined,
  context: LaunchContext,
): boolean {
  const [{ rows, width: whole }, keep] = [asRows(x.shape), indices.shape.at(-1)!];
  const width = kind ? whole / 2 : whole;
  const plan = planRow(context, width, [x, weight]);
  // Every list begins with a word of codes.
  const inWords = !int8 || (context.isAligned(values, 4) && (rows === 1 || keep % 4 === 0));
  const fits = [[x, whole] as const, [indices, keep] as const];
  const isOneSelection = block === 0 || block === width;
  if (plan.kind !== 'wide' || !inWords || !isOneSelection || context.ranges(rows, fits).length > 1)
    return false;
  const isPlain = kind !== undefined && !normalize && !int8 && k === width;
  const overrides = {
    ...{ team: plan.team, vectors: plan.vectors, gated: kind ? GATED_KINDS[kind] : 0 },
    output: int8 ? OUTPUTS.levels : isPlain ? OUTPUTS.everything : OUTPUTS.values,
    ...{ with_norm: normalize, with_weight: weight !== undefined },
  };
  const tensors = { x, weight, indices, values, count, scale: int8 ? scale : undefined };
  const args = { rows, width, keep, epsilon };
  const grid = rowGrid(context, plan, rows);
  if (context.variant.subgroups) {
    const all = { ...overrides, ...subgroupOverrides(context) };
    context.launch('sparsify-list-subgroups', 'sparsify_list', tensors, args, grid, all);
  } else context.launch('sparsify-list', 'sparsify_list', tensors, args, grid, overrides);
  return true;
}

/** Memory for rows before they are lists. */
function selectedRows(shape: Shape, context: LaunchContext): Readonly<Record<'y' | 'inverseRms', View>> {
  const { rows, width } = asRows(shape);
  return {
    y: { ...context.temporary(4 * rows * width), shape },
    inverseRms: context.temporary(4 * rows),
  };
}

function launchLists(selected: View, lists: Lists, attrs: SparsifyAttrs, context: LaunchContext): void {
  launchCompact(selected, lists, { k: lists.indices.shape.at(-1)!, int8: attrs.int8 }, context);
}

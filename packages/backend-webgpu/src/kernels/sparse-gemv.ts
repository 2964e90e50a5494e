/** Products of few channels with weights of 8 bits and more: channels that are not in the list are not read. */
import { DTYPES, type Inputs, sizeOf, type View } from '@qsparse/core';
import { type ProductAttrs, sparseGemvOp } from '@qsparse/quantizers';
import { type LaunchContext, type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';
import { type Planner, type ProductPlan, planProduct } from './product-plan.ts';

/** Channels that an invocation asks for at a time, as in sparse-gemv-sums.wgsl. */
const TOGETHER = 4;

type Required = 'indices' | 'values' | 'count' | 'w';
type Optional = 'scales' | 'add';
type Ins = Inputs<View, Required, Optional>;

export const sparseGemv: WebGpuKernel = webGpuKernel<Required, 'y', ProductAttrs, Optional>(
  sparseGemvOp,
  (ins, { y }, _attrs, context) => launchSparseGemv(ins, y, context),
);

/** Enqueues the product in the form of a plan. Exported for measurements of other plans. */
export function launchSparseGemv(
  ins: Ins,
  y: View,
  context: LaunchContext,
  planned: Planner = planProduct,
): void {
  const keep = ins.indices.shape.at(-1)!;
  const outputs = ins.w.shape[1]!;
  for (const { first, count } of context.ranges(sizeOf(ins.count.shape), [
    [ins.indices, keep],
    [y, outputs],
  ])) {
    const cut = (view: View, each: number): View => context.part(view, first * each, count * each);
    const here: Ins = {
      ...{ indices: cut(ins.indices, keep), values: cut(ins.values, keep), count: cut(ins.count, 1) },
      ...{ w: ins.w, scales: ins.scales, add: ins.add && cut(ins.add, outputs) },
    };
    launchLists(here, cut(y, outputs), { lists: count, keep }, context, planned);
  }
}

function launchLists(
  ins: Ins,
  y: View,
  { lists, keep }: { readonly lists: number; readonly keep: number },
  context: LaunchContext,
  planned: Planner,
): void {
  const { indices, values, count, w, scales, add } = ins;
  const [inputs, outputs] = w.shape as [number, number];
  const { bits } = DTYPES[w.dtype];
  const sections = context.ranges(inputs, [[w, outputs]]);
  const inVectors = (outputs * bits) % 128 === 0 && context.isAligned(w, 16);
  const planFor = (units: number): ProductPlan =>
    planned(context, { lists, keep, units, together: TOGETHER });
  const wanted = planFor(inVectors ? (outputs * bits) / 128 : outputs);
  const wholeAtOnce = wanted.splits * sections.length === 1;
  // What finishes in one launch writes y itself, which must lie right too.
  const isWide = inVectors && (!wholeAtOnce || [scales, add, y].every((view) => context.isAligned(view, 16)));
  const units = isWide ? (outputs * bits) / 128 : outputs;
  const plan = isWide === inVectors ? wanted : planFor(units);
  const { tiles, splits, layout } = withinBinding(plan, lists * outputs * sections.length, context);
  const parts = splits * sections.length;
  const target = parts === 1 ? y : context.temporary(4 * parts * lists * outputs);
  const workgroups = lists * tiles * splits;
  const overrides = {
    ...{ ...layout, bits, parts: isWide ? 32 / bits : 1, finish: parts === 1 },
    ...{ with_scales: scales !== undefined, with_add: add !== undefined },
  };
  for (const [i, { first, count: channels }] of sections.entries()) {
    const part = context.part(w, first * outputs, channels * outputs);
    const factors = parts === 1 ? { scales, add } : { scales: undefined, add: undefined };
    const tensors = { indices, values, count, w: part, ...factors, y: target };
    const args = {
      ...{ workgroups, tiles, splits, lists, keep, inputs, first, channels, units },
      firstPart: i * splits,
    };
    const module = isWide ? 'sparse-gemv-vec4' : 'sparse-gemv';
    context.launch(module, 'sparse_gemv', tensors, args, context.grid(workgroups), overrides);
  }
  if (parts === 1) return;
  context.launch(
    'product-sum',
    'sum',
    { partial: target, scale: undefined, scales, add, y },
    { lists, outputs, padded: outputs, parts },
    flatGrid(context, lists * outputs),
    { with_scales: scales !== undefined, with_add: add !== undefined },
  );
}

/** The plan with no more splits than have room, each with that many numbers, in one binding. */
export function withinBinding(
  plan: ProductPlan,
  numbers: number,
  { maxBinding }: LaunchContext,
): ProductPlan {
  const most = Math.max(1, Math.floor(maxBinding / (4 * numbers)));
  return plan.splits <= most ? plan : { ...plan, splits: most };
}

/** Products of few int8 channels with weights of 2 bits: exact sums of integers, and then the scales. */
import { type Inputs, sizeOf, type View } from '@qsparse/core';
import { type ProductAttrs, ternaryGemvOp } from '@qsparse/quantizers';
import { type LaunchContext, type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';
import { type Planner, planProduct } from './product-plan.ts';
import { withinBinding } from './sparse-gemv.ts';

/** Channels that an invocation asks for at a time, as in ternary-gemv-sums.wgsl. */
const TOGETHER = 8;

type Required = 'indices' | 'values' | 'count' | 'scale' | 'w' | 'scales';
type Ins = Inputs<View, Required, 'add'>;

export const ternaryGemv: WebGpuKernel = webGpuKernel<Required, 'y', ProductAttrs, 'add'>(
  ternaryGemvOp,
  (ins, { y }, _attrs, context) => launchTernaryGemv(ins, y, context),
);

/** Enqueues the product in the form of a plan. Exported for measurements of other plans. */
export function launchTernaryGemv(
  ins: Ins,
  y: View,
  context: LaunchContext,
  planned: Planner = planProduct,
): void {
  const keep = ins.indices.shape.at(-1)!;
  const outputs = sizeOf(ins.scales.shape);
  for (const { first, count } of context.ranges(sizeOf(ins.count.shape), [
    [ins.indices, keep],
    [y, outputs],
  ])) {
    const cut = (view: View, each: number): View => context.part(view, first * each, count * each);
    const here: Ins = {
      ...{ indices: cut(ins.indices, keep), values: cut(ins.values, keep), count: cut(ins.count, 1) },
      ...{ scale: cut(ins.scale, 1), w: ins.w, scales: ins.scales },
      add: ins.add && cut(ins.add, outputs),
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
  const { indices, values, count, scale, w, scales, add } = ins;
  const [inputs, bytes] = w.shape as [number, number];
  const outputs = sizeOf(scales.shape);
  const units = bytes / 4;
  const sections = context.ranges(inputs, [[w, bytes]]);
  const plan = planned(context, { lists, keep, units, together: TOGETHER });
  /** Sums of a list in a part: those of whole blocks. */
  const padded = 4 * bytes;
  const { tiles, splits, layout } = withinBinding(plan, lists * padded * sections.length, context);
  const parts = splits * sections.length;
  const finish =
    parts === 1 && outputs % 4 === 0 && [scales, add, y].every((view) => context.isAligned(view, 16));
  const target = finish ? y : context.temporary(4 * parts * lists * padded);
  const workgroups = lists * tiles * splits;
  const overrides = { ...layout, finish, with_add: add !== undefined, unaligned: !context.isAligned(w, 4) };
  const module = context.variant.dot8 ? 'ternary-gemv-dot8' : 'ternary-gemv';
  for (const [i, { first, count: channels }] of sections.entries()) {
    const factors = finish ? { scales, add } : { scales: undefined, add: undefined };
    const part = context.part(w, first * bytes, channels * bytes);
    const tensors = { indices, values, count, scale, w: part, ...factors, y: target };
    const args = {
      ...{ workgroups, tiles, splits, lists, keep, inputs, first, channels, units, outputs },
      firstPart: i * splits,
    };
    context.launch(module, 'ternary_gemv', tensors, args, context.grid(workgroups), overrides);
  }
  if (finish) return;
  context.launch(
    'product-sum',
    'sum',
    { partial: target, scale, scales, add, y },
    { lists, outputs, padded, parts },
    flatGrid(context, lists * outputs),
    { whole: true, with_scales: true, with_add: add !== undefined },
  );
}

import { asRows, type View } from '@qsparse/core';
import { type CompactAttrs, compactOp } from '@qsparse/quantizers';
import { type LaunchContext, type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';

export const compact: WebGpuKernel = webGpuKernel(compactOp, ({ x }, outs, attrs, context) =>
  launchCompact(x, outs, attrs, context),
);

/** Enqueues what makes the lists of x's rows. */
export function launchCompact(
  x: View,
  { indices, values, count, scale }: Readonly<Record<'indices' | 'values' | 'count' | 'scale', View>>,
  { k, int8 }: CompactAttrs,
  context: LaunchContext,
): void {
  const { rows, width } = asRows(x.shape);
  const team = context.barrierFree ? 16 : width <= 512 ? 64 : 256;
  const shares = [
    [x, width],
    [indices, k],
    [values, k],
  ] as const;
  for (const range of context.ranges(rows, shares)) {
    const { first, count: own } = range;
    const args = { rows: own, width, keep: k };
    const lists = {
      x: context.part(x, first * width, own * width),
      indices: context.part(indices, first * k, own * k),
      count: context.part(count, first, own),
    };
    const codes = context.part(values, first * k, own * k);
    const levels = int8
      ? { scale: context.part(scale, first, own), largest: context.temporary(4 * own) }
      : { scale: undefined, largest: undefined };
    const outs = { ...lists, ...levels, values: int8 ? undefined : codes };
    context.launch('compact-lists', 'lists', outs, args, context.grid(own), { team, levels: int8 });
    if (!int8) continue;
    const words = Math.ceil((own * k) / 4) + 1;
    const ins = { ...lists, largest: levels.largest, codes };
    context.launch('compact-codes', 'write_codes', ins, args, flatGrid(context, words));
  }
}

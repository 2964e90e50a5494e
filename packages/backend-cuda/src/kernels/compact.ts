import { asRows, type View } from '@qsparse/core';
import { compactOp } from '@qsparse/quantizers';
import { at, type CudaKernel, cudaKernel, type LaunchContext } from '../launch.ts';

/** Outputs of the ops that make lists; `scale` where there are int8 levels. */
export type ListViews = Readonly<Record<'indices' | 'values' | 'count' | 'scale', View>>;

/** Where a list goes: floats, or codes with a scale. */
export function listAddresses(
  { indices, values, count, scale }: ListViews,
  int8: boolean,
): Readonly<Record<'indices' | 'values' | 'codes' | 'count' | 'scale', number>> {
  const levels = { values: 0, codes: at(values), scale: at(scale) };
  const floats = { values: at(values), codes: 0, scale: 0 };
  return { indices: at(indices), count: at(count), ...(int8 ? levels : floats) };
}

/** Enqueues the lists of rows of x. */
export function launchCompact(x: View, outs: ListViews, int8: boolean, context: LaunchContext): void {
  const { rows, width } = asRows(x.shape);
  const args = { x: at(x), ...listAddresses(outs, int8), width, keep: outs.indices.shape.at(-1)! };
  context.launch(x.dtype === 'f32' ? 'compact_f32' : 'compact_bf16', args, [rows], { early: true });
}

export const compact: CudaKernel = cudaKernel(compactOp, ({ x }, outs, { int8 }, context) =>
  launchCompact(x, outs, int8, context),
);

import { asRows, type Inputs, type View } from '@qsparse/core';
import { type GatedSparsifyAttrs, gatedSparsifyOp } from '@qsparse/quantizers';
import { type LaunchContext, type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';
import { GATED_KINDS } from './gated-activation.ts';
import { launchSite } from './sparsify.ts';

export const gatedSparsify: WebGpuKernel = webGpuKernel(gatedSparsifyOp, (ins, outs, attrs, context) =>
  launchGatedSite(ins, outs, attrs, context),
);

/** Enqueues what selects from act(gate) * up of x's rows. */
export function launchGatedSite(
  { x, weight }: Inputs<View, 'x', 'weight'>,
  { y, inverseRms }: Readonly<Record<'y' | 'inverseRms', View>>,
  { kind, k, block, int8, normalize, epsilon }: GatedSparsifyAttrs,
  context: LaunchContext,
): void {
  const shape = asRows(y.shape);
  const { rows, width } = shape;
  if (normalize || int8 || k < (block || width)) {
    const norm = normalize ? { weight, inverseRms, epsilon } : {};
    launchSite({ x, y, kind, ...norm, k, block, output: int8 ? 'levels' : 'values' }, shape, context);
    return;
  }
  // Nothing is left but the activation, and a NaN stays where it is.
  for (const { first, count } of context.ranges(rows, [
    [x, 2 * width],
    [y, width],
  ])) {
    const part = {
      x: context.part(x, 2 * width * first, 2 * width * count),
      y: context.part(y, width * first, width * count),
    };
    const wide = width % 4 === 0 && context.isAligned(part.x, 16) && context.isAligned(part.y, 16);
    const unit = wide ? 4 : 1;
    const args = { count: (count * width) / unit, width: width / unit };
    const module = wide ? 'gated-halves-vec4' : 'gated-halves';
    const overrides = { kind: GATED_KINDS[kind] };
    context.launch(module, 'gated_halves', part, args, flatGrid(context, args.count), overrides);
  }
}

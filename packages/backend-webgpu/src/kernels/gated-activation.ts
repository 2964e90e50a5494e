import { type GatedActivationAttrs, gatedActivationOp, sizeOf } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid, launchFlat } from './elementwise.ts';

/** The same as in activations.wgsl; 0 is none. */
export const GATED_KINDS: Readonly<Record<GatedActivationAttrs['kind'], number>> = {
  'squared-relu': 1,
  silu: 2,
  gelu: 3,
};

export const gatedActivation: WebGpuKernel = webGpuKernel(
  gatedActivationOp,
  ({ gate, up }, { y }, { kind }, context) =>
    launchFlat(context, { gate, up, y }, sizeOf(gate.shape), ({ wide, parts, count }) => {
      const module = wide ? 'gated-activation-vec4' : 'gated-activation';
      const overrides = { kind: GATED_KINDS[kind] };
      context.launch(module, 'gated_activation', parts, { count }, flatGrid(context, count), overrides);
    }),
);

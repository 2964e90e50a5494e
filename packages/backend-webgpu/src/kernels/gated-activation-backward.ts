import { gatedActivationBackwardOp, sizeOf } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid, launchFlat } from './elementwise.ts';
import { GATED_KINDS } from './gated-activation.ts';

export const gatedActivationBackward: WebGpuKernel = webGpuKernel(
  gatedActivationBackwardOp,
  ({ gate, up, dy }, { dGate, dUp }, { kind }, context) =>
    launchFlat(context, { gate, up, dy, dGate, dUp }, sizeOf(gate.shape), ({ wide, parts, count }) => {
      const { dGate: d_gate, dUp: d_up, ...ins } = parts;
      const module = wide ? 'gated-activation-backward-vec4' : 'gated-activation-backward';
      context.launch(
        module,
        'gated_activation_backward',
        { ...ins, d_gate, d_up },
        { count },
        flatGrid(context, count),
        { kind: GATED_KINDS[kind] },
      );
    }),
);

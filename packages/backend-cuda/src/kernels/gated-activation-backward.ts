import { type GatedActivationAttrs, gatedActivationBackwardOp, sizeOf, type View } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel, type LaunchContext } from '../launch.ts';
import { gridOver } from './elementwise.ts';
import { denseGates, GATED_KINDS, type Gates } from './gated-activation.ts';

/** Enqueues the gradients for a dense dy; dGate and dUp are addresses, their rows as far apart as those of the gates. */
export function launchGateGradients(
  gates: Gates,
  dy: View,
  gradients: { readonly dGate: number; readonly dUp: number },
  kind: GatedActivationAttrs['kind'],
  context: LaunchContext,
): void {
  const args = { ...gates, dy: at(dy), ...gradients, count: sizeOf(dy.shape), kind: GATED_KINDS[kind] };
  const kernel = dy.dtype === 'f32' ? 'gated_activation_backward_f32' : 'gated_activation_backward_bf16';
  context.launch(kernel, args, gridOver(context, dy));
}

export const gatedActivationBackward: CudaKernel = cudaKernel(
  gatedActivationBackwardOp,
  ({ gate, up, dy }, { dGate, dUp }, { kind }, context) =>
    launchGateGradients(denseGates(gate, up), dy, { dGate: at(dGate), dUp: at(dUp) }, kind, context),
);

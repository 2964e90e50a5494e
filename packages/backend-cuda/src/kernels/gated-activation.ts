import { type GatedActivationAttrs, gatedActivationOp, sizeOf, type View } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel, type LaunchContext } from '../launch.ts';
import { gridOver } from './elementwise.ts';

/** The same order as in gated-activation.cuh. */
export const GATED_KINDS: Readonly<Record<GatedActivationAttrs['kind'], number>> = {
  'squared-relu': 0,
  silu: 1,
  gelu: 2,
};

/** Where gates and what they let through lie: `up` and `gate` are addresses, with rows `stride` elements apart. */
export interface Gates {
  readonly gate: number;
  readonly up: number;
  /** Elements of a row that are used. */
  readonly width: number;
  readonly stride: number;
}

/** Two dense tensors as a single row. */
export function denseGates(gate: View, up: View): Gates {
  const count = sizeOf(gate.shape);
  return { gate: at(gate), up: at(up), width: count, stride: count };
}

/** The halves of x's rows. */
export function halfGates(x: View): Gates {
  const stride = x.shape.at(-1)!;
  const width = stride / 2;
  return { gate: at(x), up: at(x) + width * (x.dtype === 'f32' ? 4 : 2), width, stride };
}

/** Enqueues y = act(gate) · up; y is dense. */
export function launchGates(
  gates: Gates,
  y: View,
  kind: GatedActivationAttrs['kind'],
  context: LaunchContext,
): void {
  const args = { ...gates, y: at(y), count: sizeOf(y.shape), kind: GATED_KINDS[kind] };
  context.launch(
    y.dtype === 'f32' ? 'gated_activation_f32' : 'gated_activation_bf16',
    args,
    gridOver(context, y),
  );
}

export const gatedActivation: CudaKernel = cudaKernel(
  gatedActivationOp,
  ({ gate, up }, { y }, { kind }, context) => launchGates(denseGates(gate, up), y, kind, context),
);

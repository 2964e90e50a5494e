import { type GatedActivationAttrs, gatedActivationOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** The same order as in gated-activation.h. */
export const GATED_KINDS: Readonly<Record<GatedActivationAttrs['kind'], number>> = {
  'squared-relu': 0,
  silu: 1,
  gelu: 2,
};

/** Elementary operations per element. */
export const GATED_WORK: typeof GATED_KINDS = { 'squared-relu': 2, silu: 16, gelu: 18 };

export const gatedActivation: CpuKernel = cpuKernel(gatedActivationOp, ({ gate, up }, { y }, { kind }) => {
  const count = sizeOf(gate.shape);
  const args = { gate: at(gate), up: at(up), y: at(y), count, kind: GATED_KINDS[kind] };
  return [call('gated_activation', args, GATED_WORK[kind] * count)];
});

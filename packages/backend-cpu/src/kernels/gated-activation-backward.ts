import { gatedActivationBackwardOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';
import { GATED_KINDS, GATED_WORK } from './gated-activation.ts';

export const gatedActivationBackward: CpuKernel = cpuKernel(
  gatedActivationBackwardOp,
  ({ gate, up, dy }, { dGate, dUp }, { kind }) => {
    const count = sizeOf(gate.shape);
    const args = {
      ...{ gate: at(gate), up: at(up), dy: at(dy), dGate: at(dGate), dUp: at(dUp) },
      ...{ count, kind: GATED_KINDS[kind] },
    };
    return [call('gated_activation_backward', args, 2 * GATED_WORK[kind] * count)];
  },
);

import { asRows, type GatedActivationAttrs, type View } from '@qsparse/core';
import { gatedSparsifyBackwardOp } from '@qsparse/quantizers';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { GATED_KINDS, halfGates, launchGates } from './gated-activation.ts';
import { launchGateGradients } from './gated-activation-backward.ts';
import { type GradientBlocks, gradientParts, gradientTeam, launchWeightGradient } from './norm-backward.ts';
import { launchNormGradient } from './rms-norm-backward.ts';

/** What gated_sparsify_backward_* computes itself. */
const FUSED: readonly GatedActivationAttrs['kind'][] = ['squared-relu', 'silu'];

const RESIDENT: GradientBlocks = { narrow: 1, warp: 1, warps: 3, block: 1 };

export const gatedSparsifyBackward: CudaKernel = cudaKernel(
  gatedSparsifyBackwardOp,
  ({ dy, x, weight, inverseRms, intoWeight }, { dx, dWeight }, { kind }, context) => {
    const { rows, width } = asRows(dy.shape);
    const bytes = dy.dtype === 'f32' ? 4 : 2;
    const gates = halfGates(x);
    const gradients = { dGate: at(dx), dUp: at(dx) + width * bytes };
    if (!inverseRms) return launchGateGradients(gates, dy, gradients, kind, context);
    const team = gradientTeam(width, [x, dy, weight, dx]);
    if (team !== 'any' && x.dtype === 'bf16' && FUSED.includes(kind)) {
      const parts = gradientParts(team, rows, RESIDENT);
      const partial = weight ? context.temporary(4 * parts * width) : 0;
      const args = {
        ...{ dy: at(dy), x: at(x), weight: at(weight), inverseRms: at(inverseRms), dx: at(dx), partial },
        ...{ rows, width, weightIsBf16: weight?.dtype === 'bf16' ? 1 : 0, kind: GATED_KINDS[kind] },
      };
      context.launch(`gated_sparsify_backward_${team}`, args, [parts]);
      if (weight) launchWeightGradient(partial, dWeight, { parts, add: intoWeight !== undefined }, context);
      return;
    }
    // h, and then dh in its place.
    const h: View = { ...dy, slot: context.temporary(rows * width * bytes), offset: 0 };
    launchGates(gates, h, kind, context);
    launchNormGradient({ dy, x: h, weight, inverseRms, intoWeight, dx: h, dWeight }, context);
    launchGateGradients(gates, h, gradients, kind, context);
  },
);

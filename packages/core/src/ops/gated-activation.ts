/**
 * y = act(gate) · up, the middle of a gated feed-forward (Shazeer, "GLU variants improve transformer", 2020): SiLU
 * gives SwiGLU, the squared ReLU (So et al., "Primer", 2021) the squared-ReLU GLU. Saves gate and up, not act(gate).
 */
import type { FusedOp } from '../op.ts';
import { run } from '../run.ts';
import type { Tensor } from '../tensor.ts';
import { multiply } from './binary.ts';
import {
  type GatedActivationAttrs,
  gatedActivationBackwardOp,
  requireGated,
} from './gated-activation-backward.ts';
import { requireFloat } from './require.ts';
import { UNARY_FORMULAS, unaryOp } from './unary.ts';

export const gatedActivationOp: FusedOp<'gate' | 'up', 'y', GatedActivationAttrs> = {
  name: 'gated-activation',
  infer({ gate, up }, attrs) {
    const dtype = requireFloat('gated-activation', { gate, up });
    requireGated('gated-activation', gate, up, attrs);
    return { y: { dtype, shape: gate.shape } };
  },
  reference({ gate, up }, { y }, { kind }) {
    const formula = UNARY_FORMULAS[kind];
    for (let i = 0; i < gate.length; i++) y[i] = formula(gate[i]!) * up[i]!;
  },
  vjp: {
    save: ['gate', 'up'],
    pull({ d, saved, attrs }) {
      const { gate, up } = saved as Record<'gate' | 'up', Tensor>;
      const { dGate, dUp } = run(gatedActivationBackwardOp, { gate, up, dy: d.y! }, attrs);
      return { gate: dGate, up: dUp };
    },
  },
  composite({ gate, up }, { kind }) {
    return { y: multiply(run(unaryOp, { x: gate }, { kind }).y, up) };
  },
};

/** act(gate) · up, element by element, of one shape; f32 or bf16 alike. `kind` names the activation. */
export function gatedActivation(gate: Tensor, up: Tensor, kind: GatedActivationAttrs['kind']): Tensor {
  return run(gatedActivationOp, { gate, up }, { kind }).y;
}

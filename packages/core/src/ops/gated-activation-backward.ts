/** The gradients of y = act(gate) · up in one pass: dGate = act'(gate) · up · dy, dUp = act(gate) · dy. */
import type { Type } from '../device.ts';
import { ValueError } from '../errors.ts';
import type { FusedOp } from '../op.ts';
import { run } from '../run.ts';
import { multiply } from './binary.ts';
import { requireFloat, requireSameShape } from './require.ts';
import { UNARY_FORMULAS, type UnaryKind, unaryOp } from './unary.ts';
import { UNARY_DERIVATIVES, unaryBackward } from './unary-backward.ts';

export interface GatedActivationAttrs {
  readonly kind: Extract<UnaryKind, 'squared-relu' | 'silu' | 'gelu'>;
}

const KINDS: readonly string[] = ['squared-relu', 'silu', 'gelu'] satisfies GatedActivationAttrs['kind'][];

/** What gate, up and the attributes must be, forward and backward. */
export function requireGated(where: string, gate: Type, up: Type, { kind }: GatedActivationAttrs): void {
  requireSameShape(where, 'up', up.shape, gate.shape);
  if (!KINDS.includes(kind))
    throw new ValueError(where, `kind must be one of ${KINDS.join(', ')}, got ${kind}`);
}

export const gatedActivationBackwardOp: FusedOp<'gate' | 'up' | 'dy', 'dGate' | 'dUp', GatedActivationAttrs> =
  {
    name: 'gated-activation-backward',
    infer({ gate, up, dy }, attrs) {
      const dtype = requireFloat('gated-activation-backward', { gate, up, dy });
      requireGated('gated-activation-backward', gate, up, attrs);
      requireSameShape('gated-activation-backward', 'dy', dy.shape, gate.shape);
      return { dGate: { dtype, shape: gate.shape }, dUp: { dtype, shape: gate.shape } };
    },
    reference({ gate, up, dy }, { dGate, dUp }, { kind }) {
      const [formula, derivative] = [UNARY_FORMULAS[kind], UNARY_DERIVATIVES[kind]];
      for (let i = 0; i < gate.length; i++) {
        dGate[i] = derivative(gate[i]!) * (dy[i]! * up[i]!);
        dUp[i] = formula(gate[i]!) * dy[i]!;
      }
    },
    composite({ gate, up, dy }, { kind }) {
      return {
        dGate: unaryBackward(gate, multiply(dy, up), kind),
        dUp: multiply(run(unaryOp, { x: gate }, { kind }).y, dy),
      };
    },
  };

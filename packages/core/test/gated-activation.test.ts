import {
  gatedActivation,
  gatedActivationOp,
  noGrad,
  normal,
  run,
  ShapeError,
  scope,
  tensor,
  ValueError,
  zeros,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();
const kinds = ['squared-relu', 'silu', 'gelu'] as const;
const gates = [-3, -0.5, 0, 0.5, 3, 40];
const ups = [2, -1, 5, 3, -2, 1];
const expected = {
  'squared-relu': gates.map((g, i) => (g > 0 ? g * g : 0) * ups[i]!),
  silu: gates.map((g, i) => (g / (1 + Math.exp(-g))) * ups[i]!),
  gelu: gates.map(
    (g, i) => 0.5 * g * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g ** 3))) * ups[i]!,
  ),
};

test('the activation of the gate times up, the same as its parts', () => {
  for (const kind of kinds) {
    const [gate, up] = [tensor(device, gates, [2, 3]), tensor(device, ups, [2, 3])];
    const y = gatedActivation(gate, up, kind);
    expect(y.shape).toEqual([2, 3]);
    device.values(y).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[kind][i]!, 13);
    });
    const parts = noGrad(() => gatedActivationOp.composite!({ gate, up }, { kind }).y);
    expect(device.values(parts)).toEqual(device.values(y));
  }
});

test('gradients equal finite differences', () => {
  for (const kind of kinds) {
    checkGradients(({ gate, up }) => gatedActivation(gate, up, kind), {
      // Away from the kink of the squared ReLU.
      gate: { shape: [2, 3], values: [-2, -0.3, 0.2, 0.7, 1.5, -1] },
      up: { shape: [2, 3] },
    });
  }
  checkGradients(({ x }) => gatedActivation(x, x, 'silu'), { x: { shape: [4] } });
});

test('NaN stays NaN', () => {
  for (const kind of kinds) {
    const y = gatedActivation(tensor(device, [Number.NaN, 1]), tensor(device, [1, Number.NaN]), kind);
    expect([...device.values(y)].map(Number.isNaN)).toEqual([true, true]);
  }
});

test('what does not fit is named', () => {
  const x = tensor(device, normal(7, 0, 4), [2, 2]);
  expect(() => gatedActivation(x, zeros(device, [4]), 'silu')).toThrow(
    '[gated-activation] up must have shape [2, 2], got [4]',
  );
  expect(() => gatedActivation(x, zeros(device, [2]), 'silu')).toThrow(ShapeError);
  const wrongKind = 'tanh' as 'silu';
  expect(() => scope(() => run(gatedActivationOp, { gate: x, up: x }, { kind: wrongKind }))).toThrow(
    ValueError,
  );
  expect(() => gatedActivation(x, x, wrongKind)).toThrow(
    'kind must be one of squared-relu, silu, gelu, got tanh',
  );
});

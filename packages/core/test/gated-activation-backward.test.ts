import { gatedActivationBackwardOp, normal, run, tensor, zeros } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();

test('equals its parts, at the kink too', () => {
  const ins = {
    gate: tensor(device, [-1, 0, 1, 2, -30, 30], [3, 2]),
    up: tensor(device, normal(8, 0, 6), [3, 2]),
    dy: tensor(device, normal(8, 1, 6), [3, 2]),
  };
  for (const kind of ['squared-relu', 'silu', 'gelu'] as const) {
    const fused = run(gatedActivationBackwardOp, ins, { kind });
    const parts = gatedActivationBackwardOp.composite!(ins, { kind });
    expect(device.values(fused.dGate)).toEqual(device.values(parts.dGate));
    expect(device.values(fused.dUp)).toEqual(device.values(parts.dUp));
  }
});

test('what does not fit is named', () => {
  const [gate, up] = [zeros(device, [2]), zeros(device, [2])];
  expect(() =>
    run(gatedActivationBackwardOp, { gate, up, dy: zeros(device, [3]) }, { kind: 'silu' }),
  ).toThrow('[gated-activation-backward] dy must have shape [2], got [3]');
});

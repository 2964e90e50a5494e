import { gatedActivationOp } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkComposite, hasBoth } from '../src/check-composite.ts';
import { caseOf, sabotaged, scribble } from './sabotage.ts';

const gating = caseOf('gatedActivationOp', 'silu [2, 5]');

test('a kernel and its composite are compared where a device has both', async () => {
  expect(hasBoth(referenceDevice(), gating)).toBe(true);
  expect(
    hasBoth(
      sabotaged(gatedActivationOp, () => undefined),
      gating,
    ),
  ).toBe(false);
  expect(hasBoth(referenceDevice(), caseOf('scaleOp', '[3]'))).toBe(false);
  await checkComposite(referenceDevice(), gating, undefined);
});

test('a kernel that differs from its composite is found', async () => {
  const device = sabotaged(gatedActivationOp, (honest, on) => (ins, outs, attrs) => {
    honest(ins, outs, attrs);
    scribble(on, outs.y!, 9, 1, 5);
  });
  await expect(checkComposite(device, gating, undefined)).rejects.toThrow('y of the kernel[9] must be');
});

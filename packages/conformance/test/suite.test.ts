import { scaleOp } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { describe, expect, test } from 'vitest';
import { opCases } from '../src/op-table.ts';
import { registerSuite, requireGivenBack } from '../src/suite.ts';
import { sabotaged, scribble, sizeOfView } from './sabotage.ts';

const scaling = opCases().filter(({ op }) => op === scaleOp);

describe('a device that is wrong for three elements passes with that case skipped', () => {
  const wrongForThree = sabotaged(scaleOp, (honest, on) => (ins, outs, attrs) => {
    honest(ins, outs, attrs);
    if (sizeOfView(outs.y) === 3) scribble(on, outs.y!, 0, 1, 99);
  });
  const reason = 'three is a hard number';
  const skip = ['scaleOp: [3]', 'scaleOp: bf16 [3]'].map((name) => ({ case: name, reason }));
  registerSuite(scaling, async () => wrongForThree, { skip });
});

describe('a device that is inexact passes with a tolerance of its own', () => {
  const inexact = sabotaged(scaleOp, (honest) => (ins, outs, { factor }: { factor: number }) => {
    honest(ins, outs, { factor: factor * 1.001 } as never);
  });
  const tolerances = { scaleOp: { relative: 2e-3, absolute: 2e-3 } };
  registerSuite(scaling, async () => inexact, { tolerances });
});

test('memory that is not given back is an error', () => {
  const device = referenceDevice();
  const before = device.memory();
  device.alloc(8);
  expect(() => requireGivenBack(before, device.memory())).toThrow('memory must be given back');
});

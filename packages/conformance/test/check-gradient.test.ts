import { rmsNormBackwardOp, unaryBackwardOp } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients, differentiable } from '../src/check-gradient.ts';
import { caseOf, sabotaged, scribble } from './sabotage.ts';

test('gradients are asked of float inputs that the op does not write to', () => {
  const names = (key: string, name: string) => differentiable(caseOf(key, name)).map(([input]) => input);
  expect(names('matmulOp', 'NN 5x9x7 into')).toEqual(['a', 'b']);
  expect(names('embeddingOp', '[7, 5] [3, 4]')).toEqual(['table']);
  expect(names('accumulateOp', '[7]')).toEqual([]);
  expect(names('argmaxOp', '[5]')).toEqual([]);
  expect(names('binaryOp', 'divide of special numbers')).toEqual([]);
});

test('an honest device passes, also where the rule refuses', async () => {
  await checkGradients(referenceDevice(), caseOf('unaryOp', 'silu [2, 5]'), undefined);
  await checkGradients(referenceDevice(), caseOf('reduceOp', 'max over last [2, 3, 4]'), undefined);
});

test('a wrong gradient kernel is found', async () => {
  const device = sabotaged(unaryBackwardOp, (honest, on) => (ins, outs, attrs) => {
    honest(ins, outs, attrs);
    scribble(on, outs.dx!, 3, 1, 7);
  });
  await expect(checkGradients(device, caseOf('unaryOp', 'silu [2, 5]'), undefined)).rejects.toThrow(
    'gradient of x as a parameter[3]',
  );
});

test('a rule that overwrites instead of adding is found', async () => {
  const device = sabotaged(rmsNormBackwardOp, (honest, on) => (ins, outs, attrs) => {
    if (ins.intoX) scribble(on, ins.intoX, 0, 21, 0);
    honest(ins, outs, attrs);
  });
  await expect(checkGradients(device, caseOf('rmsNormOp', '[3, 7]'), undefined)).rejects.toThrow(
    /gradient of x as a parameter\[.*21 of 21 elements/,
  );
});

test('a write between the parameters of an arena is found', async () => {
  const device = sabotaged(rmsNormBackwardOp, (honest, on) => (ins, outs, attrs) => {
    if (ins.intoX) scribble(on, ins.intoX, 21, 1, 0);
    honest(ins, outs, attrs);
  });
  await expect(checkGradients(device, caseOf('rmsNormOp', '[3, 7]'), undefined)).rejects.toThrow(
    'element 21 of the gradient arena',
  );
});

import { accumulateOp, type Device, scaleOp } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkKernel, checkRun } from '../src/check-forward.ts';
import { caseOf, sabotaged, scribble, sizeOfView } from './sabotage.ts';

const scaling = caseOf('scaleOp', '[2, 5]');
const adding = caseOf('accumulateOp', '[7]');
const both = async (device: Device, opCase = scaling) => {
  await checkKernel(device, opCase, undefined);
  await checkRun(device, opCase, undefined);
};

test('an honest device passes', async () => {
  await both(referenceDevice());
  await both(referenceDevice(), adding);
});

test('a wrong element is found, with its place and both numbers', async () => {
  const device = sabotaged(scaleOp, (honest, on) => (ins, outs, attrs) => {
    honest(ins, outs, attrs);
    scribble(on, outs.y!, 4, 1, 123);
  });
  await expect(checkKernel(device, scaling, undefined)).rejects.toThrow(
    /y\[4\] must be .* got 123 \(1 of 10/,
  );
  await expect(checkRun(device, scaling, undefined)).rejects.toThrow('y[4]');
});

test('an element that nobody wrote is found, in poisoned outputs and in fresh memory', async () => {
  const device = sabotaged(scaleOp, () => () => {});
  await expect(checkKernel(device, scaling, undefined)).rejects.toThrow(/got NaN \(10 of 10/);
  await expect(checkRun(device, scaling, undefined)).rejects.toThrow(/got NaN \(10 of 10/);
});

test.each([-1, 10])('a write to element %i of ten is found', async (place) => {
  const device = sabotaged(scaleOp, (honest, on) => (ins, outs, attrs) => {
    scribble(on, outs.y!, place, 1, 1);
    honest(ins, outs, attrs);
  });
  await expect(checkKernel(device, scaling, undefined)).rejects.toThrow(
    `output y: element ${place} was written, it has 10 elements`,
  );
});

test('an input that changes is found', async () => {
  const device = sabotaged(scaleOp, (honest, on) => (ins, outs, attrs) => {
    honest(ins, outs, attrs);
    scribble(on, ins.x!, 0, sizeOfView(ins.x), 0);
  });
  await expect(checkKernel(device, scaling, undefined)).rejects.toThrow('unchanged input x[0]');
  await expect(checkRun(device, scaling, undefined)).rejects.toThrow('unchanged input x[0]');
});

test('an input that should have changed and did not is found', async () => {
  const device = sabotaged(accumulateOp, () => () => {});
  await expect(checkKernel(device, adding, undefined)).rejects.toThrow('input into[');
  await expect(checkRun(device, adding, undefined)).rejects.toThrow('input into[');
});

test('a kernel that ignores the offset of a view is found', async () => {
  const device = sabotaged(scaleOp, (honest) => (ins, outs, attrs) => {
    honest({ x: { ...ins.x!, offset: 256 } }, outs, attrs);
  });
  await expect(checkKernel(device, scaling, undefined)).rejects.toThrow('y[');
});

test('without a kernel there is nothing to call directly, and run says so', async () => {
  const device = sabotaged(scaleOp, () => undefined);
  await checkKernel(device, scaling, undefined);
  await expect(checkRun(device, scaling, undefined)).rejects.toThrow('no kernel');
});

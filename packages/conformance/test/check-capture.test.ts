import { scaleOp } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkCapture } from '../src/check-capture.ts';
import { caseOf, sabotaged, scribble } from './sabotage.ts';

const scaling = caseOf('scaleOp', '[2, 5]');

test('an honest device passes, also with changed and shared inputs', async () => {
  await checkCapture(referenceDevice(), scaling);
  await checkCapture(referenceDevice(), caseOf('accumulateOp', '[7]'));
  await checkCapture(referenceDevice(), caseOf('crossEntropyBackwardOp', '[3, 5], over the logits'));
});

test('work that happens only when recorded is found in the first replay', async () => {
  const device = sabotaged(scaleOp, (honest, on) => (ins, outs, attrs) => {
    honest(ins, outs, attrs);
    // A host write is not part of a recording.
    on.write(outs.y!, new Float64Array(10).fill(2));
  });
  await expect(checkCapture(device, scaling)).rejects.toThrow(
    /y\[0\] must be 2 in call 3 as when run eagerly/,
  );
});

test('a kernel that gives other bits each time is found', async () => {
  let calls = 0;
  const device = sabotaged(scaleOp, (honest, on) => (ins, outs, attrs) => {
    honest(ins, outs, attrs);
    scribble(on, outs.y!, 0, 1, calls++);
  });
  await expect(checkCapture(device, scaling)).rejects.toThrow('y[0]');
});

import { referenceDevice } from '@qsparse/core/reference';
import { evaluationBatches } from '@qsparse/data';
import { meanLoss } from '@qsparse/training';
import { expect, test } from 'vitest';
import { bigram } from './bigram.ts';

const tokens = Uint16Array.of(1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4);

test('every token counts once, whatever the batches, and no memory or gradient is left', async () => {
  const device = referenceDevice();
  const model = bigram(device);
  const before = device.memory().count;
  const whole = await meanLoss(model, evaluationBatches(tokens, { rowLength: 10, batchSize: 1 }));
  // Rows of 4: the last batch is mostly padding, which must not weigh.
  const padded = await meanLoss(model, evaluationBatches(tokens, { rowLength: 4, batchSize: 2 }));
  expect(padded).toBeCloseTo(whole, 6);
  expect(device.memory().count).toBe(before);
  expect(new Set(await model.arena.grads.data())).toEqual(new Set([0]));
});

test('an abort stops it with the reason', async () => {
  const batches = evaluationBatches(tokens, { rowLength: 4, batchSize: 1 });
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(meanLoss(bigram(referenceDevice()), batches, { signal })).rejects.toThrow('enough');
});

import { noGrad, scope, tensor } from '@qsparse/core';
import { lossOf } from '@qsparse/layers';
import { expect, test } from 'vitest';
import { lossWith, sparseAt } from '../../src/convert/calibration.ts';
import { tinyCalibration } from './tiny-calibration.ts';

test('the loss is the mean over all tokens, and the model keeps its config', async () => {
  const calibration = tinyCalibration();
  const { model, config, batches } = calibration;
  let sum = 0;
  for (const { tokens, targets, shape, predicted } of batches) {
    const [x, y] = [tokens, targets].map((ids) => tensor(model.device, ids, shape, 'i32'));
    sum += predicted * (await noGrad(() => scope(() => lossOf(model, x!, y!))).item());
  }
  const dense = await lossWith(calibration, config);
  expect(dense).toBeCloseTo(sum / 32, 10);
  const sparse = sparseAt(calibration, { 'layers.0.down': { kind: 'top-k', sparsity: 0.9 } });
  expect(await lossWith(calibration, sparse)).not.toBeCloseTo(dense, 6);
  expect(model.config).toBe(config);
  expect(await lossWith(calibration, config)).toBe(dense);
});

test('a stop ends it with its reason, and the config is that of before', async () => {
  const calibration = tinyCalibration(AbortSignal.abort(new Error('enough')));
  const sparse = sparseAt(calibration, {});
  await expect(lossWith(calibration, sparse)).rejects.toThrow('enough');
  expect(calibration.model.config).toBe(calibration.config);
});

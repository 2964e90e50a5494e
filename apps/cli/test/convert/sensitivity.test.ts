import type { Sparsity } from '@qsparse/layers';
import { expect, test } from 'vitest';
import { lossWith, sparseAt } from '../../src/convert/calibration.ts';
import { measureSensitivity } from '../../src/convert/sensitivity.ts';
import { tinyCalibration } from './tiny-calibration.ts';

test('each site and each layer alone', async () => {
  const calibration = tinyCalibration();
  const half: Sparsity = { kind: 'top-k', sparsity: 0.5 };
  const { dense, sites, layers } = await measureSensitivity(calibration, () => half);
  expect(dense).toBe(await lossWith(calibration, calibration.config));
  expect(sites['layers.1.o']).toBe(
    await lossWith(calibration, sparseAt(calibration, { 'layers.1.o': half })),
  );
  expect(new Set(Object.values(sites)).size).toBe(8);
  const second = Object.fromEntries(
    ['qkv', 'o', 'gate-up', 'down'].map((site) => [`layers.1.${site}`, half]),
  );
  expect(layers[1]).toBe(await lossWith(calibration, sparseAt(calibration, second)));
});

import { normal, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { selectAbove, selectStatistical } from '@qsparse/quantizers';
import { device as openDevice } from 'qsparse';
import { expect, test } from 'vitest';
import { lossWith, sparseAt } from '../../src/convert/calibration.ts';
import {
  lossSelecting,
  type Selector,
  statisticalSelector,
  thresholdSelector,
} from '../../src/convert/selector-loss.ts';
import { tinyCalibration } from './tiny-calibration.ts';

test.each(['reference', 'cpu'] as const)('on %s both select what the host selects', async (name) => {
  const device = name === 'cpu' ? await openDevice('cpu', { threads: 1 }) : referenceDevice();
  const values = Float32Array.from(normal(3, 0, 192), (z, i) => (i % 17 === 0 ? 0 : z));
  const x = tensor(device, values, [2, 3, 32]);
  const masked = (mask: Uint8Array) => Array.from(values, (value, i) => (mask[i] ? value : 0));
  const statistical = await statisticalSelector({ kind: 'top-k', sparsity: 0.6 })(x).data();
  expect(Array.from(statistical, (value) => value + 0)).toEqual(
    masked(selectStatistical(values, 32, 0.6).mask),
  );
  const fixed = await thresholdSelector(0.75)(x).data();
  expect(Array.from(fixed, (value) => value + 0)).toEqual(masked(selectAbove(values, 32, 0.75).mask));
  device.dispose();
});

test('losses: no threshold changes nothing, a high one is a site without inputs, the config stays', async () => {
  const calibration = tinyCalibration();
  const { config } = calibration.model;
  const dense = await lossWith(calibration, config);
  const at = (selector: Selector, ...sites: readonly string[]) =>
    lossSelecting(calibration, new Map(sites.map((site) => [site, selector])));
  expect(await at(thresholdSelector(0), 'layers.0.qkv', 'layers.1.down')).toBeCloseTo(dense, 12);
  const without = await at(thresholdSelector(1e6), 'layers.1.down');
  expect(without).not.toBeCloseTo(dense, 3);
  const half = { kind: 'top-k', sparsity: 0.5 } as const;
  const exact = await lossWith(calibration, sparseAt(calibration, { 'layers.1.down': half }));
  const statistical = await at(statisticalSelector(half), 'layers.1.down');
  expect(Math.abs(statistical - exact)).toBeLessThan(Math.abs(without - dense));
  expect(statistical).not.toBe(dense);
  expect(calibration.model.config).toBe(config);
});

test('an abort ends the measurement', async () => {
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  const calibration = tinyCalibration(stop.signal);
  await expect(lossSelecting(calibration, new Map())).rejects.toThrow('enough');
});

import type { Sparsity } from '@qsparse/layers';
import { expect, test } from 'vitest';
import { compareSelectors } from '../../src/convert/selectors.ts';
import { tinyCalibration } from './tiny-calibration.ts';

test('exact keeps K; the others come near, the statistical one keeps less of heavy tails', async () => {
  const sites = await compareSelectors(tinyCalibration(), () => ({ kind: 'top-k', sparsity: 0.5 }));
  expect(sites.map(({ site }) => site)).toHaveLength(8);
  for (const { site, exact, statistical, threshold } of sites) {
    expect(exact.kept).toBe(0.5);
    // A product of two numbers has heavy tails.
    if (site.endsWith('.down')) expect(statistical.kept).toBeLessThan(exact.kept);
    expect(exact.error).toBeGreaterThan(0);
    for (const { kept, error } of site.endsWith('.down') ? [threshold] : [statistical, threshold]) {
      expect(Math.abs(kept - 0.5)).toBeLessThan(0.25);
      expect(error).toBeLessThan(1);
    }
  }
});

test('a dense site keeps all, blocks keep their share', async () => {
  const half: Sparsity = { kind: 'block', keep: 1, block: 4 };
  const sites = await compareSelectors(tinyCalibration(), (site) =>
    site.endsWith('.o') ? { kind: 'dense' } : half,
  );
  for (const { site, exact, statistical, threshold } of sites) {
    if (!site.endsWith('.o')) expect(exact.kept).toBe(0.25);
    else expect([exact, statistical, threshold].map(({ error }) => error)).toEqual([0, 0, 0]);
  }
});
